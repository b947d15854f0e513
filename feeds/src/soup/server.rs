//! The server's side of one connection: judges the login, and sends what follows from the number asked for.

use super::packet::{Login, Packet, Rejection, Session, SoupDecoder};
use super::{HEARTBEAT_NS, SILENCE_NS};
use crate::decode::{DecodeError, Decoded, Decoder};

/// Why a connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// The client breaks the specification.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The client sends what does not belong here.
    #[error("the client sends {0} out of turn")]
    OutOfTurn(&'static str),
    /// The login was rejected; the answer is written.
    #[error("the login is rejected: {0}")]
    Rejected(Rejection),
    /// Nothing has come for too long.
    #[error("nothing has come from the client for {} s", SILENCE_NS / 1_000_000_000)]
    Silence,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'b> {
    /// It has logged in, and is to have the messages from this number on.
    From(u64),
    /// A message of its own.
    Unsequenced(&'b [u8]),
    /// It leaves.
    Logout,
}

/// One connection. Times are ns of a clock that never goes back.
#[derive(Debug, Clone)]
pub struct Server {
    session: Session,
    /// The next message to send, once the client has logged in.
    next: Option<u64>,
    last_received: i64,
    last_sent: i64,
}

impl Server {
    /// A connection that a client has opened at `now`, to the session.
    #[must_use]
    pub fn new(session: Session, now: i64) -> Self {
        Self { session, next: None, last_received: now, last_sent: now }
    }

    /// The number of the message that the client is to have next, once it has logged in.
    #[must_use]
    pub fn next_sequence(&self) -> Option<u64> {
        self.next
    }

    /// Takes what stands at the start of `bytes`, and appends an answer to `out`. `newest` is the number of the last message
    /// that there is, 0 where there is none; `allows` says whether a login is one of a user.
    ///
    /// # Errors
    /// The connection is to be closed, once `out` is sent.
    pub fn receive<'b>(
        &mut self,
        bytes: &'b [u8],
        now: i64,
        newest: u64,
        allows: impl FnOnce(&Login) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<Decoded<Request<'b>>, ServerError> {
        let (message, consumed) = match SoupDecoder.decode(bytes)? {
            Decoded::Message { message, consumed } => (message, consumed),
            Decoded::Skip { consumed } => return Ok(Decoded::Skip { consumed }),
            Decoded::NeedMore { needed } => return Ok(Decoded::NeedMore { needed }),
        };
        self.last_received = now;
        let message = match (self.next, message) {
            (_, Packet::ClientHeartbeat | Packet::Debug(_)) => {
                return Ok(Decoded::Skip { consumed });
            }
            (_, Packet::Logout) => Request::Logout,
            (None, Packet::Login(login)) => {
                let sequence = self.log_in(&login, newest, allows(&login)).inspect_err(|why| {
                    if let ServerError::Rejected(why) = why {
                        let _ = Packet::Rejected(*why).write(out);
                    }
                })?;
                self.last_sent = now;
                // A fixed length, which fits.
                let _ = Packet::Accepted { session: self.session, sequence }.write(out);
                Request::From(sequence)
            }
            (Some(_), Packet::Unsequenced(bytes)) => Request::Unsequenced(bytes),
            (None, _) => return Err(ServerError::OutOfTurn("data before its login")),
            (Some(_), Packet::Login(_)) => return Err(ServerError::OutOfTurn("another login")),
            _ => return Err(ServerError::OutOfTurn("what only a server sends")),
        };
        Ok(Decoded::Message { message, consumed })
    }

    fn log_in(&mut self, login: &Login, newest: u64, is_user: bool) -> Result<u64, ServerError> {
        if !is_user {
            return Err(ServerError::Rejected(Rejection::NotAuthorized));
        }
        let session = login.session.trim_ascii();
        if !session.is_empty() && session != self.session.trim_ascii() {
            return Err(ServerError::Rejected(Rejection::NoSuchSession));
        }
        let sequence = match login.sequence {
            0 => newest.max(1),
            // Nothing is skipped by who asks for what does not exist yet: he has that next.
            asked => asked.min(newest.saturating_add(1)),
        };
        self.next = Some(sequence);
        Ok(sequence)
    }

    /// Appends the next message to `out`. `false`, and nothing appended: the client has not logged in, or the message is too
    /// long for a packet.
    #[must_use]
    pub fn send(&mut self, message: &[u8], now: i64, out: &mut Vec<u8>) -> bool {
        let Some(next) = &mut self.next else { return false };
        let is_written = Packet::Sequenced(message).write(out);
        if is_written {
            *next += 1;
            self.last_sent = now;
        }
        is_written
    }

    /// Appends the end of the session to `out`.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        let _ = Packet::EndOfSession.write(out);
    }

    /// Lets time pass: appends a heartbeat to `out`, where nothing was sent for long.
    ///
    /// # Errors
    /// Nothing has come for [`SILENCE_NS`].
    pub fn tick(&mut self, now: i64, out: &mut Vec<u8>) -> Result<(), ServerError> {
        if now.saturating_sub(self.last_received) >= SILENCE_NS {
            return Err(ServerError::Silence);
        }
        if self.next.is_some() && now.saturating_sub(self.last_sent) >= HEARTBEAT_NS {
            self.last_sent = now;
            let _ = Packet::ServerHeartbeat.write(out);
        }
        Ok(())
    }
}
