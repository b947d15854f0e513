//! How messages stand in a stream of bytes.

use super::super::TableError;

/// Bytes of a message at most.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes of the length before a message.
const LENGTH_BYTES: usize = 4;

/// What parts messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tables) enum Framing {
    /// Each ends with a line feed, before which a carriage return may stand. Neither is of it.
    Lines,
    /// Each stands behind its length: four bytes, big-endian, which does not count them.
    Length,
}

/// Takes a stream apart. What is not a whole message yet is held.
#[derive(Debug, Clone)]
pub(in crate::tables) struct Framer {
    framing: Framing,
    held: Vec<u8>,
    /// Bytes of `held` in which no line feed is.
    looked: usize,
}

impl Framer {
    /// For one stream.
    pub(in crate::tables) fn new(framing: Framing) -> Self {
        Self { framing, held: Vec::new(), looked: 0 }
    }

    /// Takes bytes in, and hands out each message that is whole by them. `place` says where they come from.
    ///
    /// # Errors
    /// A message is longer than [`MESSAGE_BYTES_MAX`].
    pub(in crate::tables) fn take(
        &mut self,
        bytes: &[u8],
        place: impl Fn() -> String,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), TableError> {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        while let Some((message, used)) = self.whole(at) {
            each(message);
            at += used;
            self.looked = at;
        }
        self.held.drain(..at);
        self.looked = self.held.len();
        let claimed = match (self.framing, self.held.first_chunk::<LENGTH_BYTES>()) {
            (Framing::Length, Some(length)) => u32::from_be_bytes(*length) as usize,
            (Framing::Length, None) => 0,
            (Framing::Lines, _) => self.held.len(),
        };
        if claimed <= MESSAGE_BYTES_MAX {
            return Ok(());
        }
        let problem = format!(
            "a message of more than {MESSAGE_BYTES_MAX} bytes: is 'framing' as the sender's?"
        );
        Err(TableError::Input { place: place(), problem })
    }

    /// The whole message at this place, and how many bytes it takes.
    fn whole(&self, at: usize) -> Option<(&[u8], usize)> {
        let rest = self.held.get(at..)?;
        match self.framing {
            Framing::Lines => {
                let from = self.looked.saturating_sub(at);
                let end = from + rest.get(from..)?.iter().position(|byte| *byte == b'\n')?;
                let line = rest.get(..end)?;
                Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
            }
            Framing::Length => {
                let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
                let length = u32::from_be_bytes(*length) as usize;
                Some((rest.get(..length)?, LENGTH_BYTES + length))
            }
        }
    }

    /// The stream has ended: hands out a last line without an end, and says how many bytes of a cut message there were.
    pub(in crate::tables) fn end(&mut self, mut each: impl FnMut(&[u8])) -> usize {
        let held = std::mem::take(&mut self.held);
        self.looked = 0;
        if self.framing == Framing::Lines && !held.is_empty() {
            each(held.strip_suffix(b"\r").unwrap_or(&held));
            return 0;
        }
        held.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn taken(framing: Framing, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let mut framer = Framer::new(framing);
        let mut messages = Vec::new();
        for piece in pieces {
            framer.take(piece, String::new, |it| messages.push(it.to_vec())).unwrap();
        }
        let cut = framer.end(|it| messages.push(it.to_vec()));
        (messages, cut)
    }

    proptest! {
        #[test]
        fn messages_are_found_however_the_stream_is_cut(
            messages in vec(vec(any::<u8>(), 0..20), 0..20),
            cuts in vec(any::<prop::sample::Index>(), 0..20),
            is_lines in any::<bool>(),
        ) {
            let mut stream = Vec::new();
            let mut expected = Vec::new();
            for message in &messages {
                let mut message = message.clone();
                if is_lines {
                    message.retain(|byte| !b"\r\n".contains(byte));
                    stream.extend_from_slice(&message);
                    stream.push(b'\n');
                } else {
                    stream.extend_from_slice(&(message.len() as u32).to_be_bytes());
                    stream.extend_from_slice(&message);
                }
                expected.push(message);
            }
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            let framing = if is_lines { Framing::Lines } else { Framing::Length };
            prop_assert_eq!(taken(framing, &pieces), (expected, 0));
        }
    }

    #[test]
    fn the_end_of_a_stream_is_a_line_or_a_cut_message() {
        assert_eq!(taken(Framing::Lines, &[b"a\r\nb"]), (vec![b"a".to_vec(), b"b".to_vec()], 0));
        assert_eq!(taken(Framing::Length, &[&[0, 0, 0, 2, 1]]), (vec![], 5));
    }

    #[test]
    fn a_message_without_an_end_is_an_error_before_it_takes_memory() {
        let mut framer = Framer::new(Framing::Length);
        let error = framer.take(&[0xFF; 5], || "here".to_owned(), |_| {}).unwrap_err().to_string();
        assert!(error.starts_with("here: a message of more than 1048576 bytes"), "{error}");
        let mut framer = Framer::new(Framing::Lines);
        let long = vec![b'x'; MESSAGE_BYTES_MAX + 1];
        assert!(framer.take(&long, String::new, |_| {}).is_err());
    }
}
