//! Packets, and the decoder that takes them off a stream of bytes.
//!
//! Source: *SoupBinTCP* 3.00, sections 2.1 to 2.3.

use crate::decode::{DecodeError, Decoded, Decoder, Found};

/// Bytes of a payload at most: its length counts the type too.
pub const PAYLOAD_BYTES_MAX: usize = 0xFFFF - 1;
const LENGTH_BYTES: usize = 2;
const HEADER_BYTES: usize = LENGTH_BYTES + 1;
const SEQUENCE_BYTES: usize = 20;

/// The name of a session: ten characters, blanks on the left.
pub type Session = [u8; 10];

/// What a client logs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// Its name, blanks on the right.
    pub user: [u8; 6],
    /// Its password, blanks on the right.
    pub password: [u8; 10],
    /// The session, or blanks for the one that is active.
    pub session: Session,
    /// The number of the message to begin with; 0: the newest.
    pub sequence: u64,
}

/// Why a login was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// There is no such user, or the password is not his.
    NotAuthorized,
    /// The session asked for is not there.
    NoSuchSession,
    /// A code that the specification does not have.
    Other(u8),
}

impl Rejection {
    fn of(code: u8) -> Self {
        match code {
            b'A' => Self::NotAuthorized,
            b'S' => Self::NoSuchSession,
            other => Self::Other(other),
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::NotAuthorized => b'A',
            Self::NoSuchSession => b'S',
            Self::Other(code) => code,
        }
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAuthorized => f.write_str("not authorized: check user and password"),
            Self::NoSuchSession => f.write_str("the session is not available: check its name"),
            Self::Other(code) => write!(f, "reason 0x{code:02x}"),
        }
    }
}

/// A packet, a view over its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'b> {
    /// Text for people.
    Debug(&'b [u8]),
    /// The login is accepted: the session, and the number of the next message.
    Accepted {
        /// The session.
        session: Session,
        /// The number.
        sequence: u64,
    },
    /// The login is rejected.
    Rejected(Rejection),
    /// The next message.
    Sequenced(&'b [u8]),
    /// A message without a number, of either side.
    Unsequenced(&'b [u8]),
    /// The server has nothing to say.
    ServerHeartbeat,
    /// There is no more in the session.
    EndOfSession,
    /// The client logs in.
    Login(Login),
    /// The client has nothing to say.
    ClientHeartbeat,
    /// The client leaves.
    Logout,
}

impl Packet<'_> {
    /// Appends the packet to `out`. `false`, and nothing appended: its payload is longer than [`PAYLOAD_BYTES_MAX`].
    #[must_use]
    pub fn write(&self, out: &mut Vec<u8>) -> bool {
        let sequence_text = |sequence: u64| format!("{sequence:>SEQUENCE_BYTES$}");
        match *self {
            Self::Debug(text) => frame(b'+', &[text], out),
            Self::Accepted { session, sequence } => {
                frame(b'A', &[&session, sequence_text(sequence).as_bytes()], out)
            }
            Self::Rejected(reason) => frame(b'J', &[&[reason.code()]], out),
            Self::Sequenced(message) => frame(b'S', &[message], out),
            Self::Unsequenced(message) => frame(b'U', &[message], out),
            Self::ServerHeartbeat => frame(b'H', &[], out),
            Self::EndOfSession => frame(b'Z', &[], out),
            Self::Login(Login { user, password, session, sequence }) => {
                frame(b'L', &[&user, &password, &session, sequence_text(sequence).as_bytes()], out)
            }
            Self::ClientHeartbeat => frame(b'R', &[], out),
            Self::Logout => frame(b'O', &[], out),
        }
    }
}

fn frame(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) -> bool {
    let payload: usize = parts.iter().map(|part| part.len()).sum();
    let Ok(length) = u16::try_from(1 + payload) else { return false };
    out.extend_from_slice(&length.to_be_bytes());
    out.push(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    true
}

/// Takes packets off a stream, of either side.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoupDecoder;

impl Decoder for SoupDecoder {
    type Message<'b> = Packet<'b>;

    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Packet<'b>>, DecodeError> {
        let Some((&length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(Decoded::NeedMore { needed: LENGTH_BYTES });
        };
        let length = usize::from(u16::from_be_bytes(length));
        let consumed = LENGTH_BYTES + length;
        let wrong = |offset: usize, expected, found| {
            Err(DecodeError { offset: offset as u64, expected, found, resume: Some(consumed) })
        };
        if length == 0 {
            return wrong(0, "a SoupBinTCP length of at least 1", Found::Length(0));
        }
        let Some((&kind, payload)) = rest.get(..length).and_then(<[u8]>::split_first) else {
            return Ok(Decoded::NeedMore { needed: consumed });
        };
        let message = match (kind, payload) {
            (b'+', text) => Packet::Debug(text),
            (b'A', payload) => {
                let Some((session, sequence)) = payload.split_first_chunk::<10>() else {
                    return wrong(0, "a login accepted packet of 31 bytes", Found::Length(length));
                };
                match number(sequence) {
                    Some(sequence) => Packet::Accepted { session: *session, sequence },
                    None => return not_a_number(HEADER_BYTES + 10, consumed),
                }
            }
            (b'J', [reason]) => Packet::Rejected(Rejection::of(*reason)),
            (b'S', message) => Packet::Sequenced(message),
            (b'U', message) => Packet::Unsequenced(message),
            (b'H', []) => Packet::ServerHeartbeat,
            (b'Z', []) => Packet::EndOfSession,
            (b'L', payload) => {
                let Some((login, sequence)) = login(payload) else {
                    return wrong(0, "a login request packet of 47 bytes", Found::Length(length));
                };
                match number(sequence) {
                    Some(sequence) => Packet::Login(Login { sequence, ..login }),
                    None => return not_a_number(HEADER_BYTES + 26, consumed),
                }
            }
            (b'R', []) => Packet::ClientHeartbeat,
            (b'O', []) => Packet::Logout,
            (b'J' | b'H' | b'Z' | b'R' | b'O', _) => {
                return wrong(0, "the length of its packet type", Found::Length(length));
            }
            (other, _) => {
                return wrong(LENGTH_BYTES, "a SoupBinTCP packet type", Found::Type(other));
            }
        };
        Ok(Decoded::Message { message, consumed })
    }
}

/// The fixed parts of a login, and the text of its number.
fn login(payload: &[u8]) -> Option<(Login, &[u8])> {
    let (user, rest) = payload.split_first_chunk()?;
    let (password, rest) = rest.split_first_chunk()?;
    let (session, sequence) = rest.split_first_chunk()?;
    Some((Login { user: *user, password: *password, session: *session, sequence: 0 }, sequence))
}

/// A number as 20 characters: digits, blanks on the left. Blanks alone are 0.
fn number(text: &[u8]) -> Option<u64> {
    if text.len() != SEQUENCE_BYTES {
        return None;
    }
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return Some(0);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn not_a_number<T>(offset: usize, consumed: usize) -> Result<T, DecodeError> {
    Err(DecodeError {
        offset: offset as u64,
        expected: "a sequence number of 20 digits, blanks on the left",
        found: Found::Length(consumed.saturating_sub(offset)),
        resume: Some(consumed),
    })
}
