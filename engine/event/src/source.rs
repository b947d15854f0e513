//! The end of a stream where events come in.

use std::time::Duration;

/// An event with its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<E> {
    /// Event time, ns since the epoch.
    pub ts: i64,
    /// When it was received, as far as the input tells, else its event time: ns since the epoch. A replay at the
    /// recorded pace follows this clock.
    pub received: i64,
    /// Which of the source's partitions it comes from; 0 where there is one. Its events alone are in some order of time.
    pub partition: u32,
    /// The event.
    pub event: E,
}

impl<E> Stamped<E> {
    /// An event of time `ts`, received then, of the only partition.
    #[inline]
    #[must_use]
    pub fn new(ts: i64, event: E) -> Self {
        Self { ts, received: ts, partition: 0, event }
    }

    /// The same, received at `received`.
    #[inline]
    #[must_use]
    pub fn received(self, received: i64) -> Self {
        Self { received, ..self }
    }

    /// The same, of another partition.
    #[inline]
    #[must_use]
    pub fn partition(self, partition: u32) -> Self {
        Self { partition, ..self }
    }
}

/// What a source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled<E> {
    /// The next event.
    Event(Stamped<E>),
    /// No event now, and perhaps later: what a live source says instead of waiting, so that its thread can go on with
    /// all else.
    Nothing,
    /// The end of the input.
    End,
}

impl<E> From<Option<Stamped<E>>> for Polled<E> {
    /// The next event of a source that always has one until its end.
    #[inline]
    fn from(next: Option<Stamped<E>>) -> Self {
        next.map_or(Self::End, Self::Event)
    }
}

/// Where events come from. Runs on a thread of its own, or on the shard's in inline mode.
pub trait Source: Send {
    /// A plain value; it is copied into a ring.
    type Event: Copy + Send;
    /// Why the input can not be read further.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What comes next.
    ///
    /// # Errors
    /// The input can not be read further.
    fn next(&mut self) -> Result<Polled<Self::Event>, Self::Error>;

    /// How many partitions it reads, as far as it knows by now: each that has not had an event yet holds the watermark
    /// back, until it is idle. It may grow; an event of a partition beyond makes it known too.
    fn partitions(&self) -> u32 {
        1
    }

    /// Passes over the first `events` events of the input, before the first [`next`](Source::next): what a restore does.
    /// Says how many there were, fewer only where the input is at its end. A source that can go there without reading
    /// does so.
    ///
    /// # Errors
    /// The input can not be read.
    fn seek(&mut self, events: u64) -> Result<u64, Self::Error> {
        let mut passed = 0;
        while passed < events {
            match self.next()? {
                Polled::Event(_) => passed += 1,
                Polled::Nothing => std::hint::spin_loop(),
                Polled::End => break,
            }
        }
        Ok(passed)
    }

    /// Where the input is, behind the last event that was given, as a text that people can read: a snapshot keeps it, and
    /// [`resume`](Self::resume) goes on from it. `None`: the number of events says it, and [`seek`](Self::seek) passes over
    /// them. A source says one or the other for all of its life.
    ///
    /// # Errors
    /// What must be done up to this place can not be done.
    fn position(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(None)
    }

    /// Goes on from what [`position`](Self::position) gave, before the first [`next`](Self::next). False: this source keeps
    /// no positions, and the snapshot is another's.
    ///
    /// # Errors
    /// The input can not go on from there, or it is no position of this source.
    fn resume(&mut self, position: &str) -> Result<bool, Self::Error> {
        let _ = position;
        Ok(false)
    }

    /// A snapshot with this position is durable. Not each of them is told, and not that of the end.
    fn durable(&mut self, position: &str) {
        let _ = position;
    }

    /// No snapshot that is kept goes on from before this position: what was kept for that is not needed any more. Not each
    /// of them is told.
    fn forget(&mut self, position: &str) {
        let _ = position;
    }

    /// The time at which it has nothing, where it is `now`, ns since the epoch: for the idleness of its partitions. A source
    /// that is cut off from an input which goes on says that time stands still: nobody is idle who can not be heard.
    fn time(&self, now: i64) -> i64 {
        now
    }

    /// Whether it reads through a client that has threads of its own, and is slowed down by a thread that spins beside them.
    fn has_threads(&self) -> bool {
        false
    }

    /// Waits until there may be something, at most so long: what a thread does that parks. False, at once: nothing wakes this
    /// source, and its thread looks again after a while.
    fn wait(&mut self, at_most: Duration) -> bool {
        let _ = at_most;
        false
    }

    /// Which part of the input has been read, 0 to 1, where that is known.
    fn fraction_read(&self) -> Option<f64> {
        None
    }
}

/// A source over an iterator of events, with a function that reads an event's time.
#[derive(Debug, Clone)]
pub struct Events<I, F> {
    events: I,
    ts: F,
}

/// A source over `events`, of which `ts` gives the event time in ns since the epoch.
pub fn events<I: IntoIterator, F>(events: I, ts: F) -> Events<I::IntoIter, F>
where
    F: FnMut(&I::Item) -> i64 + Send,
{
    Events { events: events.into_iter(), ts }
}

impl<I, F> Source for Events<I, F>
where
    I: Iterator + Send,
    I::Item: Copy + Send,
    F: FnMut(&I::Item) -> i64 + Send,
{
    type Event = I::Item;
    type Error = std::convert::Infallible;

    #[inline]
    fn next(&mut self) -> Result<Polled<I::Item>, Self::Error> {
        Ok(self.events.next().map(|event| Stamped::new((self.ts)(&event), event)).into())
    }
}
