//! What a seed makes: the events and the sizes of everything.

use rkyv::Portable;
use tidewire_event::record::{u32_ule, u64_ule};
use tidewire_event::time::MICROSECOND;
use tidewire_runtime::Rate;
use tidewire_runtime::stepped::Sizes;
use tidewire_snapshot::{Compression, Keep};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::dice::Dice;

/// Words of a record, and of a wide one.
pub(crate) const WORDS: usize = 2;
pub(crate) const WIDE_WORDS: usize = 2_000;

/// An event of the simulated input: a record, so that it can wait in a state.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Event {
    source: u32_ule,
    key: u32_ule,
    amount: u64_ule,
    partition: u32_ule,
}

impl Event {
    pub(crate) fn source(&self) -> u32 {
        self.source.to_native()
    }

    pub(crate) fn key(&self) -> u32 {
        self.key.to_native()
    }

    pub(crate) fn amount(&self) -> u64 {
        self.amount.to_native()
    }

    /// Which one of its source's.
    pub(crate) fn partition(&self) -> u32 {
        self.partition.to_native()
    }
}

/// What the shards do with the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Windows, of which those that have closed are corrected for so many ns.
    Windows { lateness: i64 },
    /// Windows over events in the order of their times.
    InOrder,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For each source its events, with their times. Events of a key come from one source, because what several sources
    /// send has no order among them.
    pub(crate) inputs: Vec<Vec<(i64, Event)>>,
    pub(crate) work: Work,
    pub(crate) window: i64,
    pub(crate) bound: i64,
    /// Of each source; not all of them need have an event.
    pub(crate) partitions: u32,
    /// After how long without an event a partition is idle, by the times of its source's events.
    pub(crate) idle_after: Option<i64>,
    pub(crate) rate: Rate,
    /// How far a source may run ahead of the others.
    pub(crate) align_ns: Option<i64>,
    pub(crate) snapshot_every_ns: i64,
    pub(crate) compression: Compression,
    pub(crate) keep: Keep,
    pub(crate) sizes: Sizes,
    /// How many turns of the sink may pass before it has prepared an epoch.
    pub(crate) prepare_turns_max: u64,
    /// Whether records are so large that the buffer of copies fills while the store is slow.
    pub(crate) is_wide: bool,
    /// Events of all sources.
    pub(crate) events: u64,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let is_wide = dice.one_in(20);
        let sources = dice.between(1, 3);
        let events = dice.spread(200, 3_000);
        let keys = if is_wide { 200 } else { dice.spread(sources, 200) };
        let window = dice.spread(10, 10_000) as i64;
        let bound = dice.pick([0, 1, window / 3, window, 3 * window]);
        let windows = if is_wide { 3 } else { dice.between(4, 60) };
        // How far time goes on with each event, at most.
        let pace = (window as u64 * windows / (events / sources).max(1)).max(1) * 2;
        let mut more = Dice::new(seed, 5);
        let align_ns = more.one_in(2).then(|| more.below(4 * window as u64) as i64);
        let partitions = more.pick([1, 1, 2, 3, 7]);
        let idle_after = more.one_in(2).then(|| more.spread(1, 10 * window as u64) as i64);
        let mut inputs: Vec<Vec<(i64, Event)>> = vec![Vec::new(); sources as usize];
        let mut now: Vec<i64> =
            (0..sources).map(|_| dice.below(window as u64) as i64 - window).collect();
        for _ in 0..events {
            let source = dice.below(sources);
            let key = dice.below(keys.div_ceil(sources)) * sources + source;
            let clock = &mut now[source as usize];
            *clock += dice.below(pace + 1) as i64;
            // Some come later than the bound allows.
            let most = if dice.one_in(10) { bound * 3 + window } else { bound };
            let ts = *clock - dice.below(most as u64 + 1) as i64;
            let partition = more.below(u64::from(partitions)) as u32;
            let event = Event {
                source: (source as u32).into(),
                key: (key as u32).into(),
                amount: dice.below(1_000).into(),
                partition: partition.into(),
            };
            inputs[source as usize].push((ts, event));
        }
        let duration_ns = dice.spread(2_000_000, 200_000_000);
        let per_second = events as f64 / sources as f64 / duration_ns as f64 * 1e9;
        // A chunk holds one record at least.
        let chunk_bytes_min = if is_wide { 8 * WIDE_WORDS as u64 + 256 } else { 128 };
        let work = match more.below(4) {
            0 => Work::InOrder,
            1 => Work::Windows { lateness: more.spread(1, 4 * window as u64) as i64 },
            _ => Work::Windows { lateness: 0 },
        };
        let prepare_turns_max = Dice::new(seed, 6).pick([0, 1, 4, 50]);
        Self {
            inputs,
            work,
            window,
            bound,
            partitions,
            idle_after,
            rate: if dice.one_in(4) { Rate::Max } else { Rate::PerSecond(per_second) },
            align_ns,
            snapshot_every_ns: dice.spread(if is_wide { 5_000 } else { 100 }, 20_000) as i64
                * MICROSECOND,
            compression: dice.pick(Compression::ALL),
            keep: Keep { newest: dice.between(1, 4) as usize },
            sizes: Sizes {
                ring_frames: dice.spread(264, 2_000) as usize,
                out_ring_frames: dice.spread(8, 2_000) as usize,
                log_chunks: dice.between(1, if is_wide { 1 } else { 4 }) as usize,
                log_chunk_bytes: dice.spread(chunk_bytes_min, 4 * chunk_bytes_min) as usize,
            },
            prepare_turns_max,
            is_wide,
            events,
        }
    }
}
