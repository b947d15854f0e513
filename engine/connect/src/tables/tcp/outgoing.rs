//! Messages on their way into a connection.
//!
//! A message that a connection has taken in part is sent from its beginning by the next: the other side throws away what was
//! cut by the end of the first.

use super::super::live::Framing;

/// What the connection has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// Where each message of `bytes` ends.
    ends: Vec<usize>,
    /// How many of `bytes` the connection has taken.
    sent: usize,
}

/// A message that can not stand in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoFrame {
    #[error("a message with a line feed in it can not be a line: take 'framing' = 'length'")]
    LineFeed,
    #[error("a message of more than 4294967295 bytes has no length of four bytes")]
    TooLong,
}

impl Outgoing {
    /// Puts a message behind the others.
    pub(super) fn push(&mut self, framing: Framing, message: &[u8]) -> Result<(), NoFrame> {
        match framing {
            Framing::Lines if message.contains(&b'\n') => return Err(NoFrame::LineFeed),
            Framing::Lines => {
                self.bytes.extend_from_slice(message);
                self.bytes.push(b'\n');
            }
            Framing::Length => {
                let length = u32::try_from(message.len()).map_err(|_| NoFrame::TooLong)?;
                self.bytes.extend_from_slice(&length.to_be_bytes());
                self.bytes.extend_from_slice(message);
            }
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// The connection has taken so many bytes more.
    pub(super) fn taken(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.bytes.len() {
            self.bytes.clear();
            self.ends.clear();
            self.sent = 0;
        }
    }

    /// There is a new connection, which has nothing of a message that the one before has taken in part.
    pub(super) fn begin_again(&mut self) {
        let whole = self.ends.partition_point(|end| *end <= self.sent);
        self.sent = whole.checked_sub(1).map_or(0, |last| self.ends[last]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::super::live::Framer;
    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Push(Vec<u8>),
        Take(prop::sample::Index),
        Break,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => vec(97_u8..123, 0..6).prop_map(Step::Push),
            3 => any::<prop::sample::Index>().prop_map(Step::Take),
            1 => Just(Step::Break),
        ]
    }

    proptest! {
        /// What a connection takes in whole is not sent again, and what it takes in part is sent again as a whole.
        #[test]
        fn every_message_is_whole_in_one_connection(
            steps in vec(step(), 0..60),
            is_lines in any::<bool>(),
        ) {
            let framing = if is_lines { Framing::Lines } else { Framing::Length };
            let mut outgoing = Outgoing::default();
            let (mut pushed, mut connections) = (Vec::new(), vec![Vec::new()]);
            let mut take = |outgoing: &mut Outgoing, count: usize, is_new: bool| {
                if is_new {
                    outgoing.begin_again();
                    connections.push(Vec::new());
                }
                let taken = outgoing.rest()[..count].to_vec();
                outgoing.taken(count);
                connections.last_mut().unwrap().extend(taken);
            };
            for step in steps {
                match step {
                    Step::Push(message) => {
                        outgoing.push(framing, &message).unwrap();
                        pushed.push(message);
                    }
                    Step::Take(count) => {
                        let count = count.index(outgoing.rest().len() + 1);
                        take(&mut outgoing, count, false);
                    }
                    Step::Break => take(&mut outgoing, 0, true),
                }
            }
            let all = outgoing.rest().len();
            take(&mut outgoing, all, false);
            let mut received = Vec::new();
            for bytes in connections {
                let mut framer = Framer::new(framing);
                framer.take(&bytes, String::new, |it| received.push(it.to_vec())).unwrap();
                // A line without an end is taken for cut here: nothing but a break ends a connection.
                framer.end(|_| {});
            }
            prop_assert_eq!(received, pushed);
        }
    }

    #[test]
    fn a_message_that_is_more_than_a_line_is_refused() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.push(Framing::Lines, b"a\nb"), Err(NoFrame::LineFeed));
        assert_eq!(outgoing.push(Framing::Length, b"a\nb"), Ok(()));
        assert_eq!(outgoing.rest(), b"\0\0\0\x03a\nb");
    }
}
