//! A capture over any bytes, in pieces of any size, with and without its format named.

use std::io::{Cursor, Read};

use tidewire_feeds::capture::{Capture, CaptureError, Format, Message};

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

/// The first byte names the format, or none; the second says how many bytes the reader gives at a time.
pub fn capture(bytes: &[u8]) {
    let [format, pace, content @ ..] = bytes else { return };
    let format = Format::ALL.get(usize::from(*format) % (Format::ALL.len() + 1)).copied();
    let bytes_max = if *pace == 0 { usize::MAX } else { usize::from(*pace) };
    let reader = Trickle { bytes: Cursor::new(content.to_vec()), bytes_max };
    let mut capture = match Capture::from_reader(reader, format) {
        Ok(capture) => capture,
        Err(CaptureError::Decode(error)) => unreachable!("nothing is decoded yet: {error}"),
        Err(_) => return,
    };
    assert!(format.is_none_or(|format| capture.format() == format));

    // Inside a wrapping there may be any number of bytes.
    let wrapped = content.starts_with(&[0x1F, 0x8B]) || content.starts_with(&[0x28, 0xB5]);
    let steps_max = if wrapped { usize::MAX } else { 2 * content.len() + 16 };
    let bytes_unwrapped = if wrapped { u64::MAX } else { content.len() as u64 };
    let (mut messages, mut steps) = (0, 0);
    loop {
        let ended = match capture.next() {
            Ok(None) => break,
            Ok(Some(captured)) => {
                messages += u64::from(!matches!(captured.message, Message::Sequence(_)));
                assert!(captured.offset <= bytes_unwrapped);
                false
            }
            Err(CaptureError::Decode(error)) => {
                assert!(error.offset <= bytes_unwrapped);
                error.resume.is_none()
            }
            Err(_) => true,
        };
        if ended {
            assert!(matches!(capture.next(), Ok(None)));
            break;
        }
        steps += 1;
        assert!(steps <= steps_max, "{steps} steps in {} bytes", content.len());
    }
    assert_eq!(capture.stats().messages, messages);
    assert!(capture.bytes_read() <= content.len() as u64);
}
