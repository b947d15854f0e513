//! The disk of the sink: parts of the output, which survive a crash, and the sink that writes them.
//!
//! 1. It does what a folder of parts does: a part is written under a name of its own, sealed when an epoch is prepared,
//!    and renamed to its number when that is committed. A rename replaces what has that name.
//! 2. What is not sealed is lost in a crash. A crash may come between any two renames or removals.
//! 3. The sink of a plan may prepare some turns after it was asked. Rows behind the epoch come meanwhile, and are of the next
//!    part.
//! 4. A reader sees the renamed parts, in the order of their numbers.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidewire_dataflow::{Stage, WindowRow};
use tidewire_event::{Header, Prepared, Sink};

use super::broken::Broken;
use super::dice::Dice;
use super::model::{Late, Row};
use super::plan::Event;
use super::process::Life;
use super::trace::Trace;

/// Rows and late events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) rows: Vec<Row>,
    /// Rows that take the place of others.
    pub(crate) corrected: Vec<Row>,
    pub(crate) late: Vec<Late>,
}

/// What is on the disk.
#[derive(Debug)]
pub(crate) struct Files {
    /// By number.
    pub(crate) committed: BTreeMap<u64, Part>,
    /// Sealed parts that are not renamed yet, by number and by who wrote them.
    sealed: BTreeMap<(u64, u64), Part>,
    /// Counts the changes that a reader can see.
    pub(crate) changes: u64,
    /// The operation at which the process that does it crashes.
    crash_at: u64,
    operations: u64,
    trace: Trace,
}

impl Files {
    pub(crate) fn new(seed: u64, trace: Trace) -> Self {
        let mut dice = Dice::new(seed, 4);
        Self {
            committed: BTreeMap::new(),
            sealed: BTreeMap::new(),
            changes: 0,
            crash_at: if dice.one_in(2) { dice.spread(1, 100) } else { u64::MAX },
            operations: 0,
            trace,
        }
    }

    /// Counts an operation; an error if the process that does it is gone, or goes now.
    fn operation(&mut self, life: &Life) -> Result<(), DiskError> {
        self.operations += 1;
        if self.operations == self.crash_at && life.may_crash() {
            self.trace.say(format_args!("{life} crashes at the disk"));
            life.end();
        }
        if life.is_over() { Err(DiskError::Gone) } else { Ok(()) }
    }

    fn rename(&mut self, number: u64, writer: u64) -> Result<(), DiskError> {
        match self.sealed.remove(&(number, writer)) {
            Some(part) => {
                self.committed.insert(number, part);
                self.changes += 1;
                Ok(())
            }
            None if self.committed.contains_key(&number) => Ok(()),
            None => Err(DiskError::Missing { number }),
        }
    }
}

/// Why the disk did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DiskError {
    #[error("the process is gone")]
    Gone,
    #[error("part {number} is neither sealed nor committed")]
    Missing { number: u64 },
    #[error("the row of key {key} and the window to {end} stands behind the one that corrects it")]
    Order { end: i64, key: u32 },
    #[error("the account is not one of this sink's")]
    Account,
}

/// The sink of one process.
pub(crate) struct Parts {
    pub(crate) files: Arc<Mutex<Files>>,
    pub(crate) life: Arc<Life>,
    pub(crate) broken: Option<Broken>,
    next: u64,
    current: Part,
    /// Which rows have been corrected, by this process.
    corrected: BTreeSet<(i64, u32)>,
    /// With the epochs that they were prepared for.
    sealed: VecDeque<(u64, (u64, u64))>,
    /// At most so many turns pass before an epoch is prepared.
    turns_max: u64,
    asked: VecDeque<Asked>,
}

/// An epoch that is to be prepared.
struct Asked {
    epoch: u64,
    part: Part,
    /// Turns that are still to pass.
    turns: u64,
    /// Whether it has been said to be prepared, against the protocol.
    is_promised: bool,
}

impl Parts {
    pub(crate) fn new(
        files: Arc<Mutex<Files>>,
        life: Arc<Life>,
        broken: Option<Broken>,
        turns_max: u64,
    ) -> Self {
        Self {
            files,
            life,
            broken,
            next: 1,
            current: Part::default(),
            corrected: BTreeSet::new(),
            sealed: VecDeque::new(),
            turns_max,
            asked: VecDeque::new(),
        }
    }

    /// Seals what belongs to the epoch, and says what is sealed.
    fn seal(&mut self, epoch: u64, part: Part) -> Result<Vec<u8>, DiskError> {
        self.files().operation(&self.life)?;
        if !part.rows.is_empty() || !part.corrected.is_empty() || !part.late.is_empty() {
            let name = (self.next, self.life.number);
            self.next += 1;
            self.files().sealed.insert(name, part);
            self.sealed.push_back((epoch, name));
        }
        let mut account = vec![self.next];
        account.extend(self.sealed.iter().flat_map(|(_, (number, writer))| [*number, *writer]));
        if self.broken == Some(Broken::CommitAtPrepare) {
            self.commit(epoch)?;
        }
        Ok(account.into_iter().flat_map(u64::to_le_bytes).collect())
    }

    /// The account of what is only going to be sealed: a broken promise if the process crashes before.
    fn promise(&self) -> Vec<u8> {
        let sealed = self.sealed.iter().flat_map(|(_, (number, writer))| [*number, *writer]);
        let promised = [self.next + 1].into_iter().chain(sealed);
        let promised = promised.chain([self.next, self.life.number]);
        promised.flat_map(u64::to_le_bytes).collect()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Parts {
    type Row = WindowRow<u32, (u64, u64)>;
    type Late = Event;
    type Error = DiskError;

    fn compare(&self, a: &Self::Row, b: &Self::Row) -> Ordering {
        a.key.cmp(&b.key)
    }

    fn row(&mut self, row: Self::Row) -> Result<(), DiskError> {
        let (count, number) = row.value;
        let (end, key) = (row.window.end, row.key);
        if row.stage == Stage::Corrected {
            self.corrected.insert((end, key));
            self.current.corrected.push((end, key, count, number));
            return Ok(());
        }
        if self.corrected.contains(&(end, key)) {
            return Err(DiskError::Order { end, key });
        }
        self.current.rows.push((end, key, count, number));
        Ok(())
    }

    fn late(&mut self, header: &Header, late: Event) -> Result<(), DiskError> {
        self.current.late.push((late.source(), header.place.sequence()));
        Ok(())
    }

    fn turn(&mut self) -> Result<Option<(u64, Vec<u8>)>, DiskError> {
        let Some(first) = self.asked.front_mut() else { return Ok(None) };
        if first.turns > 0 {
            first.turns -= 1;
            return Ok(None);
        }
        let Some(Asked { epoch, part, is_promised, .. }) = self.asked.pop_front() else {
            return Ok(None);
        };
        let account = self.seal(epoch, part)?;
        Ok((!is_promised).then_some((epoch, account)))
    }

    fn prepare(&mut self, epoch: u64) -> Result<Prepared, DiskError> {
        let part = std::mem::take(&mut self.current);
        if self.turns_max == 0 {
            return self.seal(epoch, part).map(Prepared::Ready);
        }
        let is_empty = part.rows.is_empty() && part.corrected.is_empty() && part.late.is_empty();
        if self.broken == Some(Broken::EarlyPromise) && !is_empty && self.asked.is_empty() {
            let promise = self.promise();
            self.asked.push_back(Asked { epoch, part, turns: self.turns_max, is_promised: true });
            return Ok(Prepared::Ready(promise));
        }
        // Some at the next turn, and others late.
        let turns = epoch % self.turns_max;
        self.asked.push_back(Asked { epoch, part, turns, is_promised: false });
        Ok(Prepared::Later)
    }

    fn commit(&mut self, epoch: u64) -> Result<(), DiskError> {
        while let Some((of, (number, writer))) = self.sealed.front().copied()
            && of <= epoch
        {
            let mut files = self.files();
            files.operation(&self.life)?;
            files.rename(number, writer)?;
            drop(files);
            self.sealed.pop_front();
        }
        Ok(())
    }

    fn restore(&mut self, prepared: &[u8]) -> Result<(), DiskError> {
        let (words, rest) = prepared.as_chunks::<8>();
        let mut account = words.iter().map(|word| u64::from_le_bytes(*word));
        self.next = account.next().unwrap_or(1);
        if !rest.is_empty() {
            return Err(DiskError::Account);
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        while let (Some(number), Some(writer)) = (account.next(), account.next()) {
            files.operation(&self.life)?;
            files.rename(number, writer)?;
        }
        if self.broken == Some(Broken::NoUndo) {
            return Ok(());
        }
        // The newest first: a reader must not see a gap.
        while let Some((number, _)) =
            files.committed.last_key_value().filter(|(it, _)| **it >= self.next)
        {
            let number = *number;
            files.operation(&self.life)?;
            files.committed.remove(&number);
            files.changes += 1;
        }
        files.operation(&self.life)?;
        let next = self.next;
        files.sealed.retain(|(number, _), _| *number < next);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}
