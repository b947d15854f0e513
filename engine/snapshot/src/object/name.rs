//! The names of objects: what they hold, of which run, up to which epoch, of which shard.

use std::fmt::{self, Display};

/// An object's name, taken apart. Its text is the name in the store, and sorts as the numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectName {
    /// The capture log of one epoch of one shard: `log/GENERATION-EPOCH-SHARD`.
    Log(u64, u64, u32),
    /// The whole state of one shard at the end of an epoch: `base/GENERATION-EPOCH-SHARD`.
    Base(u64, u64, u32),
    /// What the sink needs to go on behind an epoch: `sink/GENERATION-EPOCH`.
    Sink(u64, u64),
}

impl ObjectName {
    /// The folders of all such names, as prefixes of a list.
    pub const PREFIXES: [&str; 3] = ["base/", "log/", "sink/"];

    /// The number of the run that wrote it.
    #[must_use]
    pub fn generation(self) -> u64 {
        let (Self::Log(generation, ..) | Self::Base(generation, ..) | Self::Sink(generation, _)) =
            self;
        generation
    }

    /// The epoch at whose end it was true.
    #[must_use]
    pub fn epoch(self) -> u64 {
        let (Self::Log(_, epoch, _) | Self::Base(_, epoch, _) | Self::Sink(_, epoch)) = self;
        epoch
    }

    /// Takes a name apart; `None` if it is not one that [`Display`] writes.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (folder, numbers) = name.split_once('/')?;
        let mut numbers = numbers.splitn(3, '-');
        let mut number = || numbers.next()?.parse().ok();
        let (generation, epoch): (u64, u64) = (number()?, number()?);
        let parsed = match folder {
            "log" => Self::Log(generation, epoch, u32::try_from(number()?).ok()?),
            "base" => Self::Base(generation, epoch, u32::try_from(number()?).ok()?),
            "sink" => Self::Sink(generation, epoch),
            _ => return None,
        };
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(generation, epoch, shard) => {
                write!(f, "log/{generation:08}-{epoch:016}-{shard:03}")
            }
            Self::Base(generation, epoch, shard) => {
                write!(f, "base/{generation:08}-{epoch:016}-{shard:03}")
            }
            Self::Sink(generation, epoch) => write!(f, "sink/{generation:08}-{epoch:016}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_as_stated() {
        assert_eq!(ObjectName::Log(1, 2, 3).to_string(), "log/00000001-0000000000000002-003");
        assert_eq!(ObjectName::Base(1, 2, 3).to_string(), "base/00000001-0000000000000002-003");
        assert_eq!(ObjectName::Sink(1, 2).to_string(), "sink/00000001-0000000000000002");
        let others = ["log/1-2-3", "log/00000001-0000000000000002", "sink/a", "x/1-2", "log", ""];
        for other in others {
            assert_eq!(ObjectName::parse(other), None, "{other}");
        }
        let longer = "sink/00000001-0000000000000002-003";
        assert_eq!(ObjectName::parse(longer), None);
    }

    proptest! {
        #[test]
        fn a_name_is_what_it_was_made_of(kind in 0..3, numbers: (u64, u64, u32)) {
            let (generation, epoch, shard) = numbers;
            let name = match kind {
                0 => ObjectName::Log(generation, epoch, shard),
                1 => ObjectName::Base(generation, epoch, shard),
                _ => ObjectName::Sink(generation, epoch),
            };
            prop_assert_eq!(ObjectName::parse(&name.to_string()), Some(name));
            prop_assert_eq!((name.generation(), name.epoch()), (generation, epoch));
        }
    }
}
