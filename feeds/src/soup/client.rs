//! The client: logs in, numbers the messages, and knows with which number to log in again.

use super::packet::{Login, Packet, Rejection, Session, SoupDecoder};
use super::{HEARTBEAT_NS, SILENCE_NS};
use crate::decode::{DecodeError, Decoded, Decoder};

/// Why a connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The server sends what is not its to send, or breaks the specification.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The server sends what does not belong here.
    #[error("the server sends {0} out of turn")]
    OutOfTurn(&'static str),
    /// The server has rejected the login.
    #[error("the server rejects the login: {0}")]
    Rejected(Rejection),
    /// Nothing has come for too long.
    #[error("nothing has come from the server for {} s", SILENCE_NS / 1_000_000_000)]
    Silence,
}

impl ClientError {
    /// Whether a new connection may go better. A rejected login will be rejected again.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        !matches!(self, Self::Rejected(_))
    }
}

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'b> {
    /// The login is accepted; the next message has this number.
    Accepted {
        /// The session.
        session: Session,
        /// The number.
        sequence: u64,
    },
    /// A message.
    Message {
        /// Its number.
        sequence: u64,
        /// What it says.
        bytes: &'b [u8],
    },
    /// A message without a number.
    Unsequenced(&'b [u8]),
    /// Text for people.
    Debug(&'b [u8]),
    /// There is no more in the session, and the server will close the connection.
    EndOfSession,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The login is sent.
    LoggingIn,
    LoggedIn,
    Ended,
}

/// The client's side of a session, over one connection after another. Times are ns of a clock that never goes back.
#[derive(Debug, Clone)]
pub struct Client {
    login: Login,
    state: State,
    last_received: i64,
    last_sent: i64,
}

impl Client {
    /// A client that logs in with `login`.
    #[must_use]
    pub fn new(login: Login) -> Self {
        Self { login, state: State::LoggingIn, last_received: 0, last_sent: 0 }
    }

    /// A new connection: appends what is to be sent first to `out`.
    pub fn connected(&mut self, now: i64, out: &mut Vec<u8>) {
        self.state = State::LoggingIn;
        (self.last_received, self.last_sent) = (now, now);
        // A login has one length, which fits.
        let _ = Packet::Login(self.login).write(out);
    }

    /// The number of the next message, which a new login asks for.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.login.sequence
    }

    /// Takes what stands at the start of `bytes`, as a [`Decoder`] does.
    ///
    /// # Errors
    /// The connection is of no more use: see [`ClientError`].
    pub fn receive<'b>(
        &mut self,
        bytes: &'b [u8],
        now: i64,
    ) -> Result<Decoded<Event<'b>>, ClientError> {
        let (message, consumed) = match SoupDecoder.decode(bytes)? {
            Decoded::Message { message, consumed } => (message, consumed),
            Decoded::Skip { consumed } => return Ok(Decoded::Skip { consumed }),
            Decoded::NeedMore { needed } => return Ok(Decoded::NeedMore { needed }),
        };
        self.last_received = now;
        let message = match (self.state, message) {
            (_, Packet::ServerHeartbeat) => return Ok(Decoded::Skip { consumed }),
            (_, Packet::Debug(text)) => Event::Debug(text),
            (State::LoggingIn, Packet::Rejected(why)) => return Err(ClientError::Rejected(why)),
            (State::LoggingIn, Packet::Accepted { session, sequence }) => {
                self.state = State::LoggedIn;
                (self.login.session, self.login.sequence) = (session, sequence);
                Event::Accepted { session, sequence }
            }
            (State::LoggedIn, Packet::Sequenced(bytes)) => {
                let sequence = self.login.sequence;
                self.login.sequence = sequence.saturating_add(1);
                Event::Message { sequence, bytes }
            }
            (State::LoggedIn, Packet::Unsequenced(bytes)) => Event::Unsequenced(bytes),
            (State::LoggedIn, Packet::EndOfSession) => {
                self.state = State::Ended;
                Event::EndOfSession
            }
            (State::LoggingIn, _) => return Err(ClientError::OutOfTurn("data before the login")),
            (State::Ended, _) => return Err(ClientError::OutOfTurn("data after the end")),
            _ => return Err(ClientError::OutOfTurn("what only a client sends")),
        };
        Ok(Decoded::Message { message, consumed })
    }

    /// Lets time pass: appends a heartbeat to `out`, where nothing was sent for long.
    ///
    /// # Errors
    /// Nothing has come for [`SILENCE_NS`].
    pub fn tick(&mut self, now: i64, out: &mut Vec<u8>) -> Result<(), ClientError> {
        if now.saturating_sub(self.last_received) >= SILENCE_NS {
            return Err(ClientError::Silence);
        }
        if self.state == State::LoggedIn && now.saturating_sub(self.last_sent) >= HEARTBEAT_NS {
            self.last_sent = now;
            let _ = Packet::ClientHeartbeat.write(out);
        }
        Ok(())
    }

    /// Appends the goodbye to `out`.
    pub fn logout(&mut self, out: &mut Vec<u8>) {
        let _ = Packet::Logout.write(out);
    }
}
