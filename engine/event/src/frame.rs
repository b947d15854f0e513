//! What travels through the rings.

use crate::limits::INPUTS_MAX;

/// Where an event stands in the input: which of the job's inputs it came from, and its number there, from 0. Events of
/// the same time stand in the order of their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u64);

/// Bits of a place that are the number; the others are the input.
const SEQUENCE_BITS: u32 = 48;

const _: () = assert!(INPUTS_MAX <= 1 << (64 - SEQUENCE_BITS));

impl Place {
    /// Event number `sequence` of input `input`.
    #[inline]
    #[must_use]
    pub fn new(input: usize, sequence: u64) -> Self {
        debug_assert!(input < INPUTS_MAX && sequence >> SEQUENCE_BITS == 0);
        Self((input as u64) << SEQUENCE_BITS | sequence)
    }

    /// Which input it came from.
    #[inline]
    #[must_use]
    pub fn input(self) -> usize {
        (self.0 >> SEQUENCE_BITS) as usize
    }

    /// Its number there.
    #[inline]
    #[must_use]
    pub fn sequence(self) -> u64 {
        self.0 & ((1 << SEQUENCE_BITS) - 1)
    }

    /// As it is kept in a record.
    #[inline]
    #[must_use]
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// What [`to_bits`](Self::to_bits) gave.
    #[inline]
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// What the source thread knows of an event, beside the event itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Event time, ns since the epoch.
    pub ts: i64,
    /// The source's watermark as it stood before this event: what decides whether it is late. It travels with the
    /// event, so that the answer is the same for any number of shards and any timing of threads.
    pub watermark: i64,
    /// Where it stands in the input.
    pub place: Place,
    /// When the event was due, ns of the monotonic clock, or [`NOT_DUE`](crate::time::NOT_DUE).
    pub due: i64,
}

const _: () = assert!(size_of::<Header>() == 32);

/// Why nothing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The input has ended: what is still open can be closed.
    Input,
    /// The job stops behind a snapshot, to go on from that: what is open stays so.
    Stop,
}

/// From a source to a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<E> {
    /// An event of a key that the shard owns.
    Event(Header, E),
    /// The source's watermark, sent to every shard when it has moved.
    Watermark {
        /// No event with a smaller or equal timestamp is expected after this frame.
        watermark: i64,
        /// When the event that moved it was due.
        due: i64,
    },
    /// All before it belongs to the epoch, all behind it to a later one.
    Barrier {
        /// The number of the epoch.
        epoch: u64,
        /// The source's watermark.
        watermark: i64,
    },
    /// Nothing follows.
    End(End),
}

/// From a shard to the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutFrame<R, L> {
    /// A result.
    Row {
        /// Its place in time: the end of its window. Rows reach the sink's file in this order.
        at: i64,
        /// When the event that completed it was due.
        due: i64,
        /// The result.
        row: R,
    },
    /// A result that is not held back for others: it is written in the order of arrival.
    Now {
        /// It takes the place of a row of this time, and is written behind it; else
        /// [`WATERMARK_NONE`](crate::time::WATERMARK_NONE).
        behind: i64,
        /// When the event that completed it was due.
        due: i64,
        /// The result.
        row: R,
    },
    /// An event whose window had closed.
    Late {
        /// Its times and its place in the input.
        header: Header,
        /// The event.
        late: L,
    },
    /// Every row with `at` less than or equal to this has been sent.
    Complete(i64),
    /// Late events before it belong to the epoch, and so do all rows up to a time, sent already or not.
    Barrier {
        /// The number of the epoch.
        epoch: u64,
        /// The time: the same for all shards.
        to: i64,
    },
    /// The shard has ended. Nothing follows.
    End(End),
}
