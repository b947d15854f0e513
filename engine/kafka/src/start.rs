//! Where a topic is read from: what the options say, as offsets of its partitions.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tidewire_connect::tables::{OptionError, TableError};

use crate::client::{Context, Unanswered, ask, input, partitions_of};
use crate::limits::ASK;
use crate::options::{End, Startup};
use crate::place::{Offsets, Place};

/// A topic that is asked about.
pub(crate) struct Topic<'a> {
    pub(crate) consumer: &'a BaseConsumer<Context>,
    pub(crate) name: &'a str,
    pub(crate) brokers: &'a str,
}

impl Topic<'_> {
    fn ask<T>(&self, question: impl FnMut() -> Result<T, KafkaError>) -> Result<T, TableError> {
        let context = self.consumer.context();
        let serve = || {
            // Nothing is assigned yet, so there are no messages: errors are heard here.
            if let Some(Err(error)) = self.consumer.poll(std::time::Duration::ZERO) {
                context.trouble(&error, "");
            }
        };
        ask(context, serve, question).map_err(|Unanswered(why)| {
            let place = format!("topic {} at {}", self.name, self.brokers);
            input(place, format!("no answer: {why}"))
        })
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> TableError {
        input(format!("topic {} at {}", self.name, self.brokers), problem)
    }

    /// How many partitions it has.
    ///
    /// # Errors
    /// There is no such topic, or no broker says.
    pub(crate) fn partitions(&self) -> Result<u32, TableError> {
        match self.ask(|| partitions_of(self.consumer, self.name))? {
            None | Some(0) => {
                Err(self.error("there is no such topic: create it, or look at its name"))
            }
            Some(count) => Ok(count),
        }
    }

    /// Its first offset, and the one behind the last.
    pub(crate) fn ends(&self, partition: i32) -> Result<(i64, i64), TableError> {
        self.ask(|| self.consumer.fetch_watermarks(self.name, partition, ASK))
    }

    /// Where it is read from at first.
    pub(crate) fn begin(&self, startup: &Startup, is_bounded: bool) -> Result<Place, TableError> {
        let count = self.partitions()? as i32;
        let ends: Vec<_> = (0..count).map(|it| self.ends(it)).collect::<Result<_, _>>()?;
        let first = self.first(startup, &ends)?;
        let partitions = first
            .into_iter()
            .zip(&ends)
            .map(|(next, (_, last))| Offsets { next, end: is_bounded.then_some(*last) });
        Ok(Place { topic: self.name.to_owned(), partitions: partitions.collect() })
    }

    fn first(&self, startup: &Startup, ends: &[(i64, i64)]) -> Result<Vec<i64>, TableError> {
        let at = |end: End| {
            ends.iter().map(move |(low, high)| match end {
                End::Earliest => *low,
                End::Latest => *high,
            })
        };
        match startup {
            Startup::Earliest => Ok(at(End::Earliest).collect()),
            Startup::Latest => Ok(at(End::Latest).collect()),
            Startup::Group(reset) => self.of_group(*reset, ends),
            Startup::Timestamp(millis) => {
                let mut wanted = TopicPartitionList::new();
                for partition in 0..ends.len() as i32 {
                    wanted
                        .add_partition_offset(self.name, partition, Offset::Offset(*millis))
                        .map_err(|error| self.error(error.to_string()))?;
                }
                let found = self.ask(|| self.consumer.offsets_for_times(wanted.clone(), ASK))?;
                Ok(self.found(&found, ends, |(_, high)| Some(high))?)
            }
            Startup::Offsets(offsets) => {
                if let Some(partition) = offsets.keys().find(|it| **it >= ends.len() as i32) {
                    let count = ends.len();
                    return Err(OptionError::value(
                        "scan.startup.specific-offsets",
                        format!("partition:{partition}"),
                        format!("topic {} has the partitions 0 to {}", self.name, count - 1),
                    )
                    .into());
                }
                let first = (0..).zip(ends).map(|(partition, ends)| {
                    let next = offsets.get(&partition).copied().unwrap_or(ends.0);
                    self.in_range(partition, next, *ends)
                });
                first.collect()
            }
        }
    }

    fn of_group(&self, reset: Option<End>, ends: &[(i64, i64)]) -> Result<Vec<i64>, TableError> {
        let mut wanted = TopicPartitionList::new();
        for partition in 0..ends.len() as i32 {
            wanted.add_partition(self.name, partition);
        }
        let found = self.ask(|| self.consumer.committed_offsets(wanted.clone(), ASK))?;
        let first = self.found(&found, ends, |(low, high)| match reset? {
            End::Earliest => Some(low),
            End::Latest => Some(high),
        })?;
        (0..)
            .zip(&first)
            .zip(ends)
            .map(|((it, next), ends)| self.in_range(it, *next, *ends))
            .collect()
    }

    /// The offsets of an answer, and where it has none those that `otherwise` gives.
    fn found(
        &self,
        found: &TopicPartitionList,
        ends: &[(i64, i64)],
        otherwise: impl Fn((i64, i64)) -> Option<i64>,
    ) -> Result<Vec<i64>, TableError> {
        let mut offsets = BTreeMap::new();
        for element in found.elements() {
            element.error().map_err(|error| self.error(error.to_string()))?;
            if let Offset::Offset(offset) = element.offset() {
                offsets.insert(element.partition(), offset);
            }
        }
        let first = (0..).zip(ends).map(|(partition, ends)| {
            let offset = offsets.get(&partition).copied().or_else(|| otherwise(*ends));
            offset.ok_or_else(|| {
                self.error(format!(
                    "the group has committed no offset of partition {partition}: say where to begin with \
                     'properties.auto.offset.reset' = 'earliest' or 'latest', or take another scan.startup.mode"
                ))
            })
        });
        first.collect()
    }

    fn in_range(
        &self,
        partition: i32,
        next: i64,
        (low, high): (i64, i64),
    ) -> Result<i64, TableError> {
        if next < low {
            return Err(self.error(format!(
                "partition {partition} is to be read from offset {next}, and begins at {low} now: the broker has removed \
                 what was before (look at the topic's retention). Begin anew to go on without it"
            )));
        }
        if next > high {
            return Err(self.error(format!(
                "partition {partition} is to be read from offset {next}, and ends at {high}: the topic was made anew, or \
                 the broker has lost messages. Begin anew to read what is there"
            )));
        }
        Ok(next)
    }

    /// Goes on from a place of a snapshot; partitions that are new since are read from their beginning.
    pub(crate) fn go_on(&self, mut place: Place, is_bounded: bool) -> Result<Place, TableError> {
        let count = self.partitions()? as usize;
        if place.topic != self.name {
            let other = &place.topic;
            return Err(self.error(format!("the snapshot is of the topic {other}")));
        }
        if count < place.partitions.len() {
            let known = place.partitions.len();
            return Err(self.error(format!(
                "it has {count} partition(s), and the snapshot knows {known}: the topic was made anew. Begin anew too"
            )));
        }
        for (partition, offsets) in (0..).zip(&place.partitions) {
            let ends = self.ends(partition)?;
            // What is at its end already needs nothing any more, whatever the broker has removed.
            if offsets.end.is_none_or(|end| offsets.next < end) {
                self.in_range(partition, offsets.next, ends)?;
            }
        }
        // A bounded read ends where it would have ended when it began.
        if !is_bounded {
            for partition in place.partitions.len()..count {
                let (next, _) = self.ends(partition as i32)?;
                place.partitions.push(Offsets { next, end: None });
            }
        }
        Ok(place)
    }
}
