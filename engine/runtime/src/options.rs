//! How a job is run: nothing here changes a result.

use std::fmt;
use std::thread;

use tidewire_event::limits::SHARDS_MAX;

use crate::rate::Rate;
use crate::snapshots::Snapshots;
use crate::wait::Wait;

/// Who runs on which thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The source and its one shard share a thread, and no ring is crossed between them. With several sources this
    /// is one shard.
    Inline,
    /// Each source has a thread, and so has each of this many shards.
    Shards(usize),
}

/// What drives a shard on its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// glommio, and a plain thread where glommio can not start.
    Glommio,
    /// A plain thread.
    Thread,
}

/// How a job is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who runs on which thread.
    pub threads: Threads,
    /// Cores for the shards, then for the sources. `None`: chosen from those that are there, if there are enough.
    pub pin: Option<Vec<usize>>,
    /// How threads wait. `None`: shards and sources [`Wait::Spin`] with a core for each of them and one to spare, else
    /// they [`Wait::Park`]; the sink spins only with two to spare, because a spinning neighbour slows a shard down. All
    /// park where a source [has threads](tidewire_event::Source::has_threads) of its own.
    pub wait: Option<Wait>,
    /// At what pace the sources release their events.
    pub rate: Rate,
    /// How far a source may run ahead of the slowest other one, ns of event time, before it waits: it bounds what the
    /// state holds for a slow one. Sources that are idle or have ended do not count. `None`: as far as it can.
    pub align_ns: Option<i64>,
    /// What drives the shards.
    pub driver: Driver,
    /// Bytes of memory that the state of all shards may take, with its image if snapshots are taken.
    pub state_bytes_max: usize,
    /// What happens to an event of a new key when the state has taken all that.
    pub when_full: WhenFull,
    /// Where and how often snapshots are taken, if they are.
    pub snapshots: Option<Snapshots>,
}

/// What happens to an event of a new key for which the state has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The job stops, and says so.
    Stop,
    /// The event is left out and counted; events of known keys go on.
    Refuse,
}

/// Bytes of the state where the host does not say how much memory it has.
const STATE_BYTES_FALLBACK: usize = 4 << 30;

/// The host's memory, bytes, as far as the system says.
fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

fn default_state_bytes() -> usize {
    let half = memory_bytes().and_then(|bytes| usize::try_from(bytes / 2).ok());
    half.unwrap_or(STATE_BYTES_FALLBACK)
}

impl Default for Options {
    /// Inline on two cores or fewer; else a source, a sink, and shards on what is left, at most four. State may take half
    /// of the host's memory.
    fn default() -> Self {
        let cores = cores().len();
        let threads =
            if cores <= 2 { Threads::Inline } else { Threads::Shards((cores - 2).min(4)) };
        Self {
            threads,
            pin: None,
            wait: None,
            rate: Rate::Max,
            align_ns: None,
            driver: Driver::Glommio,
            state_bytes_max: default_state_bytes(),
            when_full: WhenFull::Stop,
            snapshots: None,
        }
    }
}

/// Options that can not be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No shard, or too many.
    #[error("{0} shards: at least 1, and at most {SHARDS_MAX}")]
    Shards(usize),
    /// A core that is not there.
    #[error("core {core} is not there, or not allowed to this process: it has {available:?}")]
    NoSuchCore {
        /// The core asked for.
        core: usize,
        /// The cores that there are.
        available: Vec<usize>,
    },
    /// Two threads on one core.
    #[error("core {0} is named twice: each pinned thread needs a core of its own")]
    CoreTwice(usize),
    /// More cores than threads.
    #[error(
        "{cores} cores are named for {threads} threads that can be pinned (shards, then sources)"
    )]
    TooManyCores {
        /// How many cores are named.
        cores: usize,
        /// How many threads can be pinned.
        threads: usize,
    },
    /// A job without a source.
    #[error("the job has no source")]
    NoSource,
}

/// The plan of threads that follows from the options, on this host.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) shards: usize,
    pub(crate) inline: bool,
    pub(crate) shard_cores: Vec<Option<usize>>,
    pub(crate) source_cores: Vec<Option<usize>>,
    /// For the sink and the uploader: a core that no shard and no source is pinned to, if there is one.
    pub(crate) other_core: Option<usize>,
    pub(crate) wait: Wait,
    pub(crate) sink_wait: Wait,
}

impl Layout {
    /// The plan for so many sources, of which one or more have threads of their own if so is said.
    pub(crate) fn of(
        options: &Options,
        sources: usize,
        have_threads: bool,
    ) -> Result<Self, OptionsError> {
        if sources == 0 {
            return Err(OptionsError::NoSource);
        }
        let (inline, shards) = match options.threads {
            Threads::Inline => (sources == 1, 1),
            Threads::Shards(shards) => (false, shards),
        };
        if !(1..=SHARDS_MAX).contains(&shards) {
            return Err(OptionsError::Shards(shards));
        }
        let cores = cores();
        let threads = if inline { 1 } else { shards + sources };
        let pins = match &options.pin {
            Some(pin) => {
                check_pins(pin, &cores, threads)?;
                pin.clone()
            }
            // From the last core down: the system's own work tends to be on the first.
            None if threads <= cores.len() => cores.iter().rev().copied().collect(),
            None => Vec::new(),
        };
        let other_core = cores.iter().copied().find(|core| !pins.contains(core));
        let other_core = other_core.filter(|_| !pins.is_empty());
        let mut pins = pins.into_iter().map(Some).chain(std::iter::repeat(None));
        let wait = options.wait.or(have_threads.then_some(Wait::Park));
        let enough = threads < cores.len();
        Ok(Self {
            shards,
            inline,
            // Inline, the source's thread is the shard's.
            shard_cores: pins.by_ref().take(if inline { 0 } else { shards }).collect(),
            source_cores: pins.take(sources).collect(),
            other_core,
            wait: wait.unwrap_or(if enough { Wait::Spin } else { Wait::Park }),
            sink_wait: match wait {
                Some(wait) if enough => wait,
                None if threads + 1 < cores.len() => Wait::Spin,
                _ => Wait::Park,
            },
        })
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place =
            |core: &Option<usize>| core.map_or("unpinned".to_owned(), |c| format!("core {c}"));
        let places =
            |cores: &[Option<usize>]| cores.iter().map(place).collect::<Vec<_>>().join(", ");
        if self.inline {
            write!(f, "source and shard inline on {}", places(&self.source_cores))?;
        } else {
            write!(f, "{} shard(s) on {}", self.shards, places(&self.shard_cores))?;
            write!(f, ", source on {}", places(&self.source_cores))?;
        }
        write!(f, "; waiting: {}", self.wait)
    }
}

fn check_pins(pin: &[usize], cores: &[usize], threads: usize) -> Result<(), OptionsError> {
    if pin.len() > threads {
        return Err(OptionsError::TooManyCores { cores: pin.len(), threads });
    }
    for (at, core) in pin.iter().enumerate() {
        if !cores.contains(core) {
            return Err(OptionsError::NoSuchCore { core: *core, available: cores.to_vec() });
        }
        if pin[..at].contains(core) {
            return Err(OptionsError::CoreTwice(*core));
        }
    }
    Ok(())
}

/// The cores that this process may use. Read before any thread is pinned, or it would show just one.
pub(crate) fn cores() -> Vec<usize> {
    match core_affinity::get_core_ids() {
        Some(ids) => ids.into_iter().map(|core| core.id).collect(),
        None => (0..thread::available_parallelism().map_or(1, usize::from)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_pins_are_named() {
        assert_eq!(
            check_pins(&[0, 7], &[0, 1], 2).unwrap_err(),
            OptionsError::NoSuchCore { core: 7, available: vec![0, 1] }
        );
        assert_eq!(check_pins(&[1, 1], &[0, 1], 2).unwrap_err(), OptionsError::CoreTwice(1));
        assert!(check_pins(&[1, 0], &[0, 1], 2).is_ok());
        assert!(check_pins(&[1, 0], &[0, 1], 1).is_err());
    }

    #[test]
    fn every_thread_has_a_place() {
        for shards in [1, 2, 64] {
            let options = Options { threads: Threads::Shards(shards), ..Options::default() };
            let layout = Layout::of(&options, 2, false).unwrap();
            assert_eq!((layout.shard_cores.len(), layout.source_cores.len()), (shards, 2));
        }
        let none = Options { threads: Threads::Shards(0), ..Options::default() };
        assert_eq!(Layout::of(&none, 1, false).unwrap_err(), OptionsError::Shards(0));
    }

    #[test]
    fn threads_park_beside_those_of_a_client_if_nothing_else_is_said() {
        let wait = |wait, have_threads| {
            let options = Options { wait, threads: Threads::Inline, ..Options::default() };
            let layout = Layout::of(&options, 1, have_threads).unwrap();
            (layout.wait, layout.sink_wait)
        };
        assert_eq!(wait(None, true), (Wait::Park, Wait::Park));
        assert_eq!(wait(Some(Wait::Yield), true).0, Wait::Yield);
        assert_eq!(wait(Some(Wait::Spin), false).0, Wait::Spin);
    }
}
