//! What was done.

use std::collections::BTreeMap;
use std::fmt;

use super::Phase;
use super::place::Left;

/// Counts of all stories.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Stories that came to their end.
    pub stories: u64,
    /// Processes that ended before their moment came.
    pub unharmed: u64,
    /// Processes that a manifest stopped which their killed predecessor had on its way.
    pub overtaken: u64,
    by_phase: BTreeMap<(Phase, &'static str), u64>,
    left_unfinished: u64,
    left_unnamed: u64,
}

impl Tally {
    /// Processes that were killed.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.by_phase.values().sum()
    }

    /// Processes that were killed in this phase.
    #[must_use]
    pub fn of_phase(&self, phase: Phase) -> u64 {
        self.by_phase.iter().filter(|((of, _), _)| *of == phase).map(|(_, kills)| kills).sum()
    }

    pub(super) fn add(&mut self, phase: Phase, threads: &'static str) {
        *self.by_phase.entry((phase, threads)).or_default() += 1;
    }

    pub(super) fn looked_at(&mut self, left: &Left) {
        self.left_unfinished += u64::from(left.unfinished > 0);
        self.left_unnamed += u64::from(left.unnamed > 0);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut threads: Vec<_> = self.by_phase.keys().map(|(_, threads)| *threads).collect();
        threads.sort_unstable();
        threads.dedup();
        write!(f, "{:<10}", "killed in")?;
        threads.iter().try_for_each(|threads| write!(f, "{threads:>10}"))?;
        writeln!(f, "{:>10}", "all")?;
        for phase in Phase::ALL {
            write!(f, "{:<10}", phase.name())?;
            for threads in &threads {
                let kills = self.by_phase.get(&(phase, *threads)).unwrap_or(&0);
                write!(f, "{kills:>10}")?;
            }
            writeln!(f, "{:>10}", self.of_phase(phase))?;
        }
        writeln!(
            f,
            "{} kills in {} stories, each with the exact output",
            self.kills(),
            self.stories
        )?;
        write!(
            f,
            "after {} kills an object was unfinished, after {} one was in no manifest; {} processes ended before their \
             moment, {} met their predecessor's manifest",
            self.left_unfinished, self.left_unnamed, self.unharmed, self.overtaken
        )
    }
}
