//! The messages of an epoch, kept until its snapshot is durable, and what a snapshot says of them.
//!
//! 1. Each epoch that wrote something has a batch with the next number; numbers rise by one, and never come back.
//! 2. A snapshot holds all batches that are not known to be in the topic, and the number of the newest that is.

/// Messages of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
    count: u64,
}

const NONE: u32 = u32::MAX;

impl Messages {
    /// Adds a message.
    pub(crate) fn push(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        for part in [key, value] {
            let length = part.map_or(NONE, |part| part.len() as u32);
            self.bytes.extend(length.to_le_bytes());
            self.bytes.extend(part.unwrap_or_default());
        }
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Each message, its key and its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<&[u8]>, Option<&[u8]>)> {
        let mut rest = &self.bytes[..];
        (0..self.count).map_while(move |_| Some((part(&mut rest)?, part(&mut rest)?)))
    }
}

fn part<'b>(rest: &mut &'b [u8]) -> Option<Option<&'b [u8]>> {
    match number(take(rest, 4)?)? as u32 {
        NONE => Some(None),
        length => take(rest, length as usize).map(Some),
    }
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

/// A little-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let mut all = [0; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(all))
}

/// A batch with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) number: u64,
    pub(crate) messages: Messages,
}

/// What a snapshot says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The newest batch that is known to be in the topic; 0 before the first.
    pub(crate) committed: u64,
    /// Those behind it.
    pub(crate) batches: Vec<Batch>,
}

/// What it begins with.
const MARK: &[u8; 8] = b"tw-kafk1";

impl Account {
    /// As bytes, of what `batches` give.
    pub(crate) fn write<'b>(committed: u64, batches: impl Iterator<Item = &'b Batch>) -> Vec<u8> {
        let mut bytes = MARK.to_vec();
        bytes.extend(committed.to_le_bytes());
        for Batch { number, messages } in batches {
            bytes.extend(number.to_le_bytes());
            bytes.extend(messages.count.to_le_bytes());
            bytes.extend((messages.bytes.len() as u64).to_le_bytes());
            bytes.extend(&messages.bytes);
        }
        bytes
    }

    /// Reads it; `None` if the bytes are none.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MARK)?;
        let committed = number(take(&mut rest, 8)?)?;
        let mut batches: Vec<Batch> = Vec::new();
        while !rest.is_empty() {
            let next = number(take(&mut rest, 8)?)?;
            let count = number(take(&mut rest, 8)?)?;
            let length = usize::try_from(number(take(&mut rest, 8)?)?).ok()?;
            let messages = Messages { bytes: take(&mut rest, length)?.to_vec(), count };
            let before = batches.last().map_or(committed, |batch| batch.number);
            if before.checked_add(1)? != next || messages.iter().count() as u64 != count {
                return None;
            }
            batches.push(Batch { number: next, messages });
        }
        Some(Self { committed, batches })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    type Plain = Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>;

    fn messages(of: &Plain) -> Messages {
        let mut messages = Messages::default();
        of.iter().for_each(|(key, value)| messages.push(key.as_deref(), value.as_deref()));
        messages
    }

    fn plain() -> impl Strategy<Value = Plain> {
        let part = || option::of(vec(any::<u8>(), 0..5));
        vec((part(), part()), 1..5)
    }

    proptest! {
        #[test]
        fn an_account_reads_back_and_one_that_is_cut_does_not(
            committed in 0..u64::MAX / 2,
            epochs in vec(plain(), 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let batches = (committed + 1..).zip(&epochs);
            let batches: Vec<_> =
                batches.map(|(number, of)| Batch { number, messages: messages(of) }).collect();
            for (batch, of) in batches.iter().zip(&epochs) {
                let read = batch.messages.iter();
                let read: Plain = read.map(|(k, v)| (k.map(<[u8]>::to_vec), v.map(<[u8]>::to_vec))).collect();
                prop_assert_eq!(&read, of);
            }
            let bytes = Account::write(committed, batches.iter());
            let cut = cut.index(bytes.len());
            let whole = Account { committed, batches };
            prop_assert_ne!(Account::read(&bytes[..cut]), Some(whole.clone()));
            prop_assert_eq!(Account::read(&bytes), Some(whole));
        }
    }
}
