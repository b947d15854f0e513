//! One of two: a source of one kind or another, a result of one operator or of another.

use std::fmt;
use std::time::Duration;

use crate::source::{Polled, Source};

/// A value of one of two types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Either<A, B> {
    /// Of the first.
    Left(A),
    /// Of the second.
    Right(B),
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for Either<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left(it) => it.fmt(f),
            Self::Right(it) => it.fmt(f),
        }
    }
}

impl<A: std::error::Error, B: std::error::Error> std::error::Error for Either<A, B> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Left(it) => it.source(),
            Self::Right(it) => it.source(),
        }
    }
}

/// A source of one of two kinds, with the same events.
impl<A: Source, B: Source<Event = A::Event>> Source for Either<A, B> {
    type Event = A::Event;
    type Error = Either<A::Error, B::Error>;

    #[inline]
    fn next(&mut self) -> Result<Polled<A::Event>, Self::Error> {
        match self {
            Self::Left(source) => source.next().map_err(Either::Left),
            Self::Right(source) => source.next().map_err(Either::Right),
        }
    }

    fn partitions(&self) -> u32 {
        match self {
            Self::Left(source) => source.partitions(),
            Self::Right(source) => source.partitions(),
        }
    }

    fn seek(&mut self, events: u64) -> Result<u64, Self::Error> {
        match self {
            Self::Left(source) => source.seek(events).map_err(Either::Left),
            Self::Right(source) => source.seek(events).map_err(Either::Right),
        }
    }

    fn position(&mut self) -> Result<Option<String>, Self::Error> {
        match self {
            Self::Left(source) => source.position().map_err(Either::Left),
            Self::Right(source) => source.position().map_err(Either::Right),
        }
    }

    fn resume(&mut self, position: &str) -> Result<bool, Self::Error> {
        match self {
            Self::Left(source) => source.resume(position).map_err(Either::Left),
            Self::Right(source) => source.resume(position).map_err(Either::Right),
        }
    }

    fn has_threads(&self) -> bool {
        match self {
            Self::Left(source) => source.has_threads(),
            Self::Right(source) => source.has_threads(),
        }
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        match self {
            Self::Left(source) => source.wait(at_most),
            Self::Right(source) => source.wait(at_most),
        }
    }

    fn durable(&mut self, position: &str) {
        match self {
            Self::Left(source) => source.durable(position),
            Self::Right(source) => source.durable(position),
        }
    }

    fn forget(&mut self, position: &str) {
        match self {
            Self::Left(source) => source.forget(position),
            Self::Right(source) => source.forget(position),
        }
    }

    fn time(&self, now: i64) -> i64 {
        match self {
            Self::Left(source) => source.time(now),
            Self::Right(source) => source.time(now),
        }
    }

    fn fraction_read(&self) -> Option<f64> {
        match self {
            Self::Left(source) => source.fraction_read(),
            Self::Right(source) => source.fraction_read(),
        }
    }
}
