//! The end of a stream where results go out.

use std::cmp::Ordering;

use crate::frame::Header;

/// The epoch of what a sink prepares when all has been given.
pub const LAST_EPOCH: u64 = u64::MAX;

/// What came of asking a sink to prepare an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// It is ready to be committed; the bytes say what is needed to go on from here after a crash.
    Ready(Vec<u8>),
    /// [`Sink::turn`] says when it is. Rows of later epochs may be given meanwhile.
    Later,
    /// The sink can not, and no snapshots can be taken.
    Never,
}

/// Where results go. Runs on the sink's thread; rows arrive in one total order, whatever the number of shards:
/// by their time, then as [`compare`](Sink::compare) says.
pub trait Sink: Send {
    /// A result.
    type Row: Send;
    /// An event that came too late for its window.
    type Late: Send;
    /// Why results can not be written.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The order of two rows of the same time. Rows that it calls equal may come in any order.
    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering;

    /// The order of two late events that were made of one, and have the same time. Those that it calls equal may come in
    /// any order.
    fn compare_late(&self, a: &Self::Late, b: &Self::Late) -> Ordering {
        let _ = (a, b);
        Ordering::Equal
    }

    /// The job begins: called once, on the sink's thread, before the first row and behind what the sink goes on from.
    ///
    /// # Errors
    /// It can not begin.
    fn start(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Takes a result.
    ///
    /// # Errors
    /// It can not be written.
    fn row(&mut self, row: Self::Row) -> Result<(), Self::Error>;

    /// Takes a late event. They come in the order of their source.
    ///
    /// # Errors
    /// It can not be written.
    fn late(&mut self, header: &Header, late: Self::Late) -> Result<(), Self::Error>;

    /// A turn of the sink's thread, also one without rows: what is buffered may go out. Says which epoch is ready that was to
    /// be so [`Later`](Prepared::Later), with the bytes of [`Prepared::Ready`]; the oldest first, and one at a time.
    ///
    /// # Errors
    /// What was given can not be written.
    fn turn(&mut self) -> Result<Option<(u64, Vec<u8>)>, Self::Error> {
        Ok(None)
    }

    /// All that was given belongs to the epoch, or to one before it that may have been given up: makes it ready to be
    /// committed. Before [`start`](Sink::start) the answer comes at once.
    ///
    /// # Errors
    /// It can not be written.
    fn prepare(&mut self, epoch: u64) -> Result<Prepared, Self::Error> {
        let _ = epoch;
        Ok(Prepared::Never)
    }

    /// The snapshot of the epoch is durable: what was prepared up to it becomes visible.
    ///
    /// # Errors
    /// It can not be done.
    fn commit(&mut self, epoch: u64) -> Result<(), Self::Error> {
        let _ = epoch;
        Ok(())
    }

    /// Goes on from what [`prepare`](Sink::prepare) gave for an epoch that became durable, which is committed by this, or
    /// from the beginning where `prepared` is empty. What was prepared after it is undone.
    ///
    /// # Errors
    /// It can not be done, or `prepared` is not what this sink gives.
    fn restore(&mut self, prepared: &[u8]) -> Result<(), Self::Error> {
        let _ = prepared;
        Ok(())
    }

    /// All has been given: write out what is buffered. Nothing is where the job stops behind a snapshot: all that was given
    /// is prepared and committed then, and no row follows that belongs to windows which are open.
    ///
    /// # Errors
    /// It can not be written.
    fn finish(&mut self) -> Result<(), Self::Error>;
}
