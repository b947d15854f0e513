//! A capture over any bytes, in pieces of any size, with and without its format named.

use std::io::{Cursor, Read};

use tidewire_feeds::capture::{Capture, CaptureError, Format, Message, Stats};
use tidewire_feeds::decode::DecodeError;
use tidewire_feeds::sequence;

/// A reader that gives a few bytes at a time.
struct Trickle {
    bytes: Cursor<Vec<u8>>,
    bytes_max: usize,
}

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let room = into.len().min(self.bytes_max);
        self.bytes.read(&mut into[..room])
    }
}

/// What a capture gave, with its place.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Message(u64, Option<u64>),
    Event(u64, sequence::Event),
    Broken(DecodeError),
    Failed(String),
}

/// The first byte names the format, or none; the second says how many bytes the reader gives at a time.
pub fn capture(bytes: &[u8]) {
    let [format, pace, content @ ..] = bytes else { return };
    let format = Format::ALL.get(usize::from(*format) % (Format::ALL.len() + 1)).copied();
    let whole = read(content, format, usize::MAX);
    let in_pieces = read(content, format, usize::from(*pace).max(1));
    // How much of a damaged wrapping can be read depends on the pieces.
    if !is_wrapped(content) {
        assert_eq!(whole, in_pieces);
    }
}

/// gzip or zstd: inside there may be any number of bytes.
fn is_wrapped(content: &[u8]) -> bool {
    content.starts_with(&[0x1F, 0x8B]) || content.starts_with(&[0x28, 0xB5])
}

/// Reads to the end, from a reader that gives at most `bytes_max` bytes at a time. `None`: it could not be opened.
fn read(
    content: &[u8],
    format: Option<Format>,
    bytes_max: usize,
) -> Option<(Format, Stats, Vec<Given>)> {
    let reader = Trickle { bytes: Cursor::new(content.to_vec()), bytes_max };
    let mut capture = match Capture::from_reader(reader, format) {
        Ok(capture) => capture,
        Err(CaptureError::Decode(error)) => unreachable!("nothing is decoded yet: {error}"),
        Err(_) => return None,
    };
    assert!(format.is_none_or(|format| capture.format() == format));
    let (given_max, offset_max) = if is_wrapped(content) {
        (usize::MAX, u64::MAX)
    } else {
        (2 * content.len() + 16, content.len() as u64)
    };
    let mut given = Vec::new();
    loop {
        let (next, offset, ended) = match capture.next() {
            Ok(None) => break,
            Ok(Some(captured)) => {
                let next = match captured.message {
                    Message::Sequence(event) => Given::Event(captured.offset, event),
                    _ => Given::Message(captured.offset, captured.sequence),
                };
                (next, captured.offset, false)
            }
            Err(CaptureError::Decode(error)) => {
                (Given::Broken(error), error.offset, error.resume.is_none())
            }
            Err(error) => (Given::Failed(error.to_string()), 0, true),
        };
        assert!(offset <= offset_max);
        given.push(next);
        assert!(given.len() <= given_max, "{} steps in {} bytes", given.len(), content.len());
        if ended {
            assert!(matches!(capture.next(), Ok(None)));
            break;
        }
    }
    let stats = capture.stats();
    let messages = given.iter().filter(|given| matches!(given, Given::Message(..))).count();
    assert_eq!(stats.messages, messages as u64);
    assert!(capture.bytes_read() <= content.len() as u64);
    Some((capture.format(), stats, given))
}
