//! A store that fails as stores do: answers are lost, late, repeated, or false alarms; what it has said to be written is.
//!
//! 1. A call may fail without effect; take effect and fail; fail now and take effect some calls later, whoever is running
//!    by then; be repeated; take long; or be the last thing that the process does, with or without its effect.
//! 2. A conditional put is conditional whenever it takes effect.
//! 3. An answer that is no error is true. Only a broken protocol lies.
//! 4. Faults have a budget, and end when the store is healed.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidewire_event::time::{MICROSECOND, MILLISECOND};
use tidewire_snapshot::{MemoryStore, ObjectWriter, Published, Store, StoreError, Stored};

use super::broken::Broken;
use super::dice::Dice;
use super::process::{Life, SimClock};
use super::trace::Trace;

/// A write that takes effect later.
#[derive(Debug)]
struct Later {
    calls: u64,
    name: String,
    bytes: Vec<u8>,
    is_conditional: bool,
    /// Lost with its process, where the store should have kept it.
    held_by: Option<Arc<Life>>,
}

/// What all processes share of the store.
#[derive(Debug)]
pub(crate) struct Faults {
    dice: Dice,
    budget: u64,
    one_in: u64,
    later: Vec<Later>,
    broken: Option<Broken>,
    /// Faults so far, by kind, for the report.
    pub(crate) injected: [u64; 7],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    NoEffect,
    LostAnswer,
    Delayed,
    Repeated,
    Slow,
    CrashBefore,
    CrashAfter,
}

const FAULTS: [Fault; 7] = [
    Fault::NoEffect,
    Fault::LostAnswer,
    Fault::Delayed,
    Fault::Repeated,
    Fault::Slow,
    Fault::CrashBefore,
    Fault::CrashAfter,
];

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(&'static str);

impl Faults {
    pub(crate) fn new(seed: u64, broken: Option<Broken>) -> Self {
        let mut dice = Dice::new(seed, 2);
        let (budget, one_in) = (dice.pick([0, 3, 10, 40]), dice.pick([4, 10, 30, 100]));
        Self { dice, budget, one_in, later: Vec::new(), broken, injected: [0; 7] }
    }

    /// From here on the store answers, and all that was to take effect does.
    pub(crate) fn heal(&mut self, store: &MemoryStore) {
        self.budget = 0;
        for later in std::mem::take(&mut self.later) {
            later.apply(store);
        }
    }

    fn draw(&mut self, is_write: bool) -> Option<Fault> {
        if self.budget == 0 || !self.dice.one_in(self.one_in) {
            return None;
        }
        let fault = self.dice.pick(FAULTS);
        let fits = is_write || !matches!(fault, Fault::Delayed | Fault::LostAnswer);
        fits.then(|| {
            self.budget -= 1;
            self.injected[fault as usize] += 1;
            fault
        })
    }

    /// Lets take effect what has waited long enough.
    fn turn(&mut self, store: &MemoryStore) {
        let mut at = 0;
        while at < self.later.len() {
            let later = &mut self.later[at];
            later.calls = later.calls.saturating_sub(1);
            if later.calls == 0 {
                self.later.remove(at).apply(store);
            } else {
                at += 1;
            }
        }
    }
}

impl Later {
    fn apply(self, store: &MemoryStore) {
        if self.held_by.is_some_and(|life| life.is_over()) {
            return;
        }
        if self.is_conditional {
            // Its process does not hear of it any more.
            let _ = store.put_new(&self.name, &self.bytes);
        } else {
            store.overwrite(&self.name, self.bytes);
        }
    }
}

/// The end of one process.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    pub(crate) store: MemoryStore,
    pub(crate) faults: Arc<Mutex<Faults>>,
    pub(crate) life: Arc<Life>,
    pub(crate) clock: SimClock,
    pub(crate) trace: Trace,
}

/// A write: its bytes, and whether it is conditional.
type Write<'w> = Option<(&'w [u8], bool)>;

impl FaultyStore {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, action: &'static str, name: &str, why: &'static str) -> StoreError {
        let (location, name) = (self.location(), name.to_owned());
        StoreError { location, action, name, source: Box::new(Said(why)) }
    }

    /// One call: `effect` is what it does.
    fn call<T>(
        &self,
        action: &'static str,
        name: &str,
        write: Write<'_>,
        effect: impl Fn(&MemoryStore) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.life.is_over() {
            return Err(self.error(action, name, "the process is gone"));
        }
        let mut faults = self.faults();
        faults.turn(&self.store);
        self.clock.advance(faults.dice.spread(10, 500) as i64 * MICROSECOND);
        let fault = faults.draw(write.is_some());
        let fault = fault.filter(|fault| {
            self.life.may_crash() || !matches!(fault, Fault::CrashBefore | Fault::CrashAfter)
        });
        let said = fault.map(|fault| format!(": {fault:?}")).unwrap_or_default();
        self.trace.say(format_args!("{} {action} {name}{said}", self.life));
        match (fault, write) {
            (None, _) => effect(&self.store),
            (Some(Fault::Slow), _) => {
                self.clock.advance(faults.dice.spread(1, 200) as i64 * MILLISECOND);
                effect(&self.store)
            }
            (Some(Fault::Repeated), _) => {
                effect(&self.store)?;
                effect(&self.store)
            }
            (Some(Fault::CrashAfter), _) => {
                let _ = effect(&self.store);
                self.life.end();
                Err(self.error(action, name, "the process crashed"))
            }
            (Some(Fault::CrashBefore), _) => {
                self.life.end();
                Err(self.error(action, name, "the process crashed"))
            }
            (Some(Fault::LostAnswer), _) => {
                let _ = effect(&self.store);
                Err(self.error(action, name, "no answer"))
            }
            (Some(Fault::Delayed), Some((bytes, is_conditional))) => {
                let calls = faults.dice.spread(1, 60);
                let (name_later, bytes) = (name.to_owned(), bytes.to_vec());
                let later = Later { calls, name: name_later, bytes, is_conditional, held_by: None };
                faults.later.push(later);
                Err(self.error(action, name, "no answer"))
            }
            (Some(Fault::NoEffect | Fault::Delayed), _) => {
                Err(self.error(action, name, "no connection"))
            }
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let broken = self.faults().broken;
        if broken == Some(Broken::ManifestFirst) && !self.life.is_over() {
            let (name, bytes) = (name.to_owned(), bytes.to_vec());
            let held_by = Some(Arc::clone(&self.life));
            // As many calls as the other shards' objects and the manifest take.
            let later = Later { calls: 12, name, bytes, is_conditional: false, held_by };
            self.faults().later.push(later);
            return Ok(());
        }
        let written = self.call("writes", name, Some((bytes, false)), |store| {
            store.overwrite(name, bytes.to_vec());
            Ok(())
        });
        if broken == Some(Broken::LyingStore) && !self.life.is_over() {
            return Ok(());
        }
        written
    }
}

impl Store for FaultyStore {
    fn location(&self) -> String {
        "simulation".to_owned()
    }

    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter + '_>, StoreError> {
        // The name is checked.
        drop(self.store.create(name)?);
        Ok(Box::new(Writer { store: self, name: name.to_owned(), bytes: Vec::new() }))
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Published, StoreError> {
        let is_fenced = self.faults().broken != Some(Broken::NoFence);
        self.call("puts", name, Some((bytes, is_fenced)), |store| {
            if is_fenced || name.starts_with("fence/") {
                return store.put_new(name, bytes);
            }
            store.overwrite(name, bytes.to_vec());
            Ok(Published::Created)
        })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call("reads", name, None, |store| store.read(name))
    }

    fn fetch(&self, name: &str, scratch: &Path) -> Result<Option<File>, StoreError> {
        self.call("fetches", name, None, |store| store.fetch(name, scratch))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        self.call("lists", prefix, None, |store| store.list(prefix))
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.call("deletes", name, None, |store| store.delete(name))
    }

    fn is_fenced(&self) -> Result<bool, StoreError> {
        self.call("tries the fence of", "fence/", None, Store::is_fenced)
    }
}

struct Writer<'s> {
    store: &'s FaultyStore,
    name: String,
    bytes: Vec<u8>,
}

impl ObjectWriter for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        self.store.write(&self.name, &self.bytes)
    }
}
