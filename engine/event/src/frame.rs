//! What travels through the rings.

/// What the source thread knows of an event, beside the event itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Event time, ns since the epoch.
    pub ts: i64,
    /// The source's watermark as it stood before this event: what decides whether it is late. It travels with the
    /// event, so that the answer is the same for any number of shards and any timing of threads.
    pub watermark: i64,
    /// The event's position in its source, from 0.
    pub sequence: u64,
    /// When the event was due, ns of the monotonic clock, or [`NOT_DUE`](crate::time::NOT_DUE).
    pub due: i64,
}

const _: () = assert!(size_of::<Header>() == 32);

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
    /// The end of the input. Nothing follows.
    End,
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
    /// An event whose window had closed.
    Late {
        /// Which of the shard's inputs it came from.
        input: u32,
        /// Its times and its position in the source.
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
    End,
}
