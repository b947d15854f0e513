//! The end of a stream where events come in.

/// An event with its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamped<E> {
    /// Event time, ns since the epoch.
    pub ts: i64,
    /// When it was received, as far as the input tells, else its event time: ns since the epoch. A replay at the
    /// recorded pace follows this clock.
    pub received: i64,
    /// The event.
    pub event: E,
}

/// Where events come from. Runs on a thread of its own, or on the shard's in inline mode.
pub trait Source: Send {
    /// A plain value; it is copied into a ring.
    type Event: Copy + Send;
    /// Why the input can not be read further.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The next event, or `None` at the end of the input.
    ///
    /// # Errors
    /// The input can not be read further.
    fn next(&mut self) -> Result<Option<Stamped<Self::Event>>, Self::Error>;

    /// Passes over the first `events` events of the input, before the first [`next`](Source::next): what a restore does.
    /// Says how many there were, fewer only where the input is at its end. A source that can go there without reading
    /// does so.
    ///
    /// # Errors
    /// The input can not be read.
    fn seek(&mut self, events: u64) -> Result<u64, Self::Error> {
        for passed in 0..events {
            if self.next()?.is_none() {
                return Ok(passed);
            }
        }
        Ok(events)
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
    fn next(&mut self) -> Result<Option<Stamped<I::Item>>, Self::Error> {
        Ok(self.events.next().map(|event| {
            let ts = (self.ts)(&event);
            Stamped { ts, received: ts, event }
        }))
    }
}
