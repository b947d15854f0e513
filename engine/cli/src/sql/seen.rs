//! What can be seen of a job's tables while it runs.
//!
//! 1. Who looks, asks. Each table answers on its own thread, when it comes to it: a look shows the answers so far.
//! 2. Nobody waits for the other, and where nobody looks nothing is counted together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// What is counted, in a word or two, and how often it was.
pub type Count = (&'static str, u64);

/// The counts of a running job.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    looks: AtomicU64,
    answers: Mutex<BTreeMap<usize, Vec<Count>>>,
}

impl Seen {
    /// Rows that were written, which is the first of the counts when there are any.
    pub const ROWS: &str = "rows";

    /// The counts of all tables, the outputs' first. Those of the same name are one.
    #[must_use]
    pub fn look(&self) -> Vec<Count> {
        self.0.looks.fetch_add(1, Relaxed);
        let answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Count> = Vec::new();
        for (what, count) in answers.values().flatten() {
            match all.iter_mut().find(|(known, _)| known == what) {
                Some((_, sum)) => *sum += count,
                None => all.push((what, *count)),
            }
        }
        all
    }

    /// Who answers for the outputs.
    pub(super) fn of_outputs(&self) -> Teller {
        self.teller(0)
    }

    /// Who answers for the source of this number.
    pub(super) fn of_source(&self, number: usize) -> Teller {
        self.teller(number + 1)
    }

    fn teller(&self, number: usize) -> Teller {
        Teller { seen: self.clone(), number, answered: 0 }
    }
}

/// Answers whoever looks.
#[derive(Debug)]
pub(super) struct Teller {
    seen: Seen,
    number: usize,
    /// Looks that were answered.
    answered: u64,
}

impl Teller {
    /// Answers, if somebody has looked since.
    #[inline]
    pub(super) fn answer(&mut self, counts: impl FnOnce() -> Vec<Count>) {
        let looks = self.seen.0.looks.load(Relaxed);
        if looks != self.answered {
            self.answered = looks;
            self.tell(counts());
        }
    }

    #[cold]
    fn tell(&self, counts: Vec<Count>) {
        let mut answers = self.seen.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(self.number, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_shows_the_answers_so_far_and_asks_for_new_ones() {
        let seen = Seen::default();
        let (mut source, mut other, mut outputs) =
            (seen.of_source(0), seen.of_source(1), seen.of_outputs());
        source.answer(|| unreachable!("nobody has looked"));
        assert_eq!(seen.look(), []);
        source.answer(|| vec![("gaps", 2), ("left out", 1)]);
        source.answer(|| unreachable!("it has answered"));
        assert_eq!(seen.look(), [("gaps", 2), ("left out", 1)]);
        other.answer(|| vec![("left out", 4)]);
        outputs.answer(|| vec![(Seen::ROWS, 9)]);
        assert_eq!(seen.look(), [("rows", 9), ("gaps", 2), ("left out", 5)]);
    }
}
