//! Where the partitions of a topic stand, as a snapshot keeps it: `purchases 0=17 1=4/4`, of a topic the next offset of
//! each partition, and behind a slash where a bounded read ends.

use std::fmt::{self, Display};

/// Where a topic stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) topic: String,
    /// By their numbers.
    pub(crate) partitions: Vec<Offsets>,
}

/// Where a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offsets {
    /// The next offset to read.
    pub(crate) next: i64,
    /// The offset that is not read any more, where there is one.
    pub(crate) end: Option<i64>,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.topic)?;
        for (number, Offsets { next, end }) in self.partitions.iter().enumerate() {
            write!(f, " {number}={next}")?;
            if let Some(end) = end {
                write!(f, "/{end}")?;
            }
        }
        Ok(())
    }
}

impl Place {
    /// Reads what it is written as; `None` if it is not that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let topic = words.next().filter(|topic| !topic.is_empty())?.to_owned();
        let partition = |(number, word): (usize, &str)| {
            let (of, offsets) = word.split_once('=')?;
            let (next, end) = match offsets.split_once('/') {
                Some((next, end)) => (next, Some(offset(end)?)),
                None => (offsets, None),
            };
            let is_it = of.parse() == Ok(number);
            Some(Offsets { next: offset(next)?, end }).filter(|_| is_it)
        };
        let partitions = words.enumerate().map(partition).collect::<Option<_>>()?;
        Some(Self { topic, partitions })
    }
}

fn offset(text: &str) -> Option<i64> {
    text.parse().ok().filter(|offset| *offset >= 0)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_reads_back(
            topic in "[a-zA-Z0-9._-]{1,20}",
            partitions in vec((0..i64::MAX, option::of(0..i64::MAX)), 0..20),
        ) {
            let partitions = partitions.into_iter().map(|(next, end)| Offsets { next, end });
            let place = Place { topic, partitions: partitions.collect() };
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
    }

    #[test]
    fn what_is_no_place_is_not_read() {
        for text in ["", " 0=1", "t 1=1", "t 0=-1", "t 0=1 0=2", "t 0", "t 0=1/", "t 0=1  1=2"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
