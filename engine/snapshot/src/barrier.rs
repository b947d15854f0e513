//! Alignment of barriers: when one epoch has ended on every input (Chandy and Lamport 1985, as Flink aligns).
//!
//! 1. An input that has delivered barrier k is not read again until every other has delivered it too: what it holds is
//!    of epoch k + 1.
//! 2. Barriers of an input rise. When every input has delivered barrier k it is aligned, exactly once, and all inputs
//!    are free again.
//! 3. An input that has ended counts as having delivered every barrier. It never blocks, and never delivers.
//! 4. A barrier that is newer than the one waited for gives that one up: its inputs are free, and the newer one begins
//!    with the input that brought it. One that is not newer than the last that was aligned or given up changes nothing.
//!
//! The machine has no I/O and no clock, and one lives in each shard.

/// What came of a barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Arrived {
    /// Other inputs have yet to deliver it.
    Waiting,
    /// Every input has delivered the barrier of this epoch.
    Aligned(u64),
}

/// The barriers of a number of inputs: see the module.
#[derive(Debug, Clone)]
pub struct Alignment {
    inputs: Box<[Input]>,
    /// Whether a barrier is waited for. While it is not, nothing else is looked at.
    is_pending: bool,
    /// The barrier that is waited for, or else the last one that was.
    epoch: Option<u64>,
    /// Inputs that have neither delivered it nor ended.
    missing: usize,
    /// Inputs that have not ended.
    open: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    Blocked,
    Ended,
}

impl Alignment {
    /// All inputs are open, and nothing is waited for.
    #[must_use]
    pub fn new(inputs: usize) -> Self {
        Self {
            inputs: vec![Input::Open; inputs].into(),
            is_pending: false,
            epoch: None,
            missing: inputs,
            open: inputs,
        }
    }

    /// `input` has delivered the barrier of `epoch`.
    pub fn arrive(&mut self, input: usize, epoch: u64) -> Arrived {
        if self.inputs.get(input).is_none_or(|state| *state == Input::Ended) {
            return Arrived::Waiting;
        }
        if self.epoch.is_none_or(|known| epoch > known) {
            self.free();
            (self.epoch, self.is_pending) = (Some(epoch), true);
        } else if !self.is_pending || self.epoch != Some(epoch) {
            return Arrived::Waiting;
        }
        if self.inputs[input] == Input::Open {
            self.inputs[input] = Input::Blocked;
            self.missing -= 1;
        }
        self.aligned().map_or(Arrived::Waiting, Arrived::Aligned)
    }

    /// Whether `input` must not be read now.
    #[must_use]
    #[inline]
    pub fn is_blocked(&self, input: usize) -> bool {
        self.is_pending && self.inputs.get(input) == Some(&Input::Blocked)
    }

    /// `input` has ended. Returns the epoch that is aligned by that, if one is.
    #[must_use = "an aligned epoch is told once"]
    pub fn end(&mut self, input: usize) -> Option<u64> {
        let state = self.inputs.get_mut(input).filter(|state| **state != Input::Ended)?;
        if *state == Input::Open {
            self.missing -= 1;
        }
        *state = Input::Ended;
        self.open -= 1;
        self.aligned()
    }

    /// The epoch whose barrier some inputs have delivered and others not.
    #[must_use]
    pub fn pending(&self) -> Option<u64> {
        self.epoch.filter(|_| self.is_pending)
    }

    fn aligned(&mut self) -> Option<u64> {
        if !self.is_pending || self.missing > 0 {
            return None;
        }
        self.free();
        self.epoch
    }

    fn free(&mut self) {
        if self.is_pending {
            let blocked = self.inputs.iter_mut().filter(|state| **state == Input::Blocked);
            blocked.for_each(|state| *state = Input::Open);
            self.is_pending = false;
        }
        self.missing = self.open;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_input_that_delivered_waits_for_the_others() {
        let mut alignment = Alignment::new(3);
        assert_eq!(alignment.arrive(1, 7), Arrived::Waiting);
        assert_eq!([0, 1, 2].map(|input| alignment.is_blocked(input)), [false, true, false]);
        assert_eq!(alignment.arrive(0, 7), Arrived::Waiting);
        assert_eq!((alignment.pending(), alignment.is_blocked(0)), (Some(7), true));
        assert_eq!(alignment.arrive(2, 7), Arrived::Aligned(7));
        assert_eq!([0, 1, 2].map(|input| alignment.is_blocked(input)), [false; 3]);
        assert_eq!(alignment.pending(), None);
    }

    #[test]
    fn a_single_input_is_never_blocked() {
        let mut alignment = Alignment::new(1);
        for epoch in 0..3 {
            assert_eq!(alignment.arrive(0, epoch), Arrived::Aligned(epoch));
            assert!(!alignment.is_blocked(0));
        }
    }

    #[test]
    fn an_end_stands_for_every_barrier() {
        let mut alignment = Alignment::new(3);
        assert_eq!(alignment.end(2), None);
        assert_eq!(alignment.arrive(0, 1), Arrived::Waiting);
        assert_eq!(alignment.end(1), Some(1));
        assert_eq!(alignment.end(1), None);
        assert_eq!(alignment.arrive(0, 2), Arrived::Aligned(2));
        assert_eq!(alignment.end(0), None);
    }

    #[test]
    fn a_blocked_input_may_end() {
        let mut alignment = Alignment::new(2);
        assert_eq!(alignment.arrive(0, 1), Arrived::Waiting);
        assert_eq!(alignment.end(0), None);
        assert!(!alignment.is_blocked(0));
        assert_eq!(alignment.arrive(1, 1), Arrived::Aligned(1));
    }

    #[test]
    fn a_newer_barrier_gives_up_the_older() {
        let mut alignment = Alignment::new(2);
        assert_eq!(alignment.arrive(0, 1), Arrived::Waiting);
        assert_eq!(alignment.arrive(1, 2), Arrived::Waiting);
        assert_eq!([0, 1].map(|input| alignment.is_blocked(input)), [false, true]);
        assert_eq!(alignment.arrive(0, 1), Arrived::Waiting);
        assert_eq!(alignment.arrive(0, 2), Arrived::Aligned(2));
        assert_eq!(alignment.arrive(0, 2), Arrived::Waiting);
        assert_eq!(alignment.pending(), None);
    }

    /// Sets of what has happened, looked through each time.
    #[derive(Default)]
    struct Model {
        inputs: usize,
        ended: BTreeSet<usize>,
        delivered: BTreeSet<usize>,
        pending: Option<u64>,
        newest: Option<u64>,
    }

    impl Model {
        fn arrive(&mut self, input: usize, epoch: u64) -> Option<u64> {
            if self.ended.contains(&input) {
                return None;
            }
            if Some(epoch) > self.newest {
                self.delivered.clear();
                (self.newest, self.pending) = (Some(epoch), Some(epoch));
            }
            if self.pending == Some(epoch) {
                self.delivered.insert(input);
            }
            self.settle()
        }

        fn end(&mut self, input: usize) -> Option<u64> {
            self.ended.insert(input);
            self.settle()
        }

        fn settle(&mut self) -> Option<u64> {
            let all =
                (0..self.inputs).all(|n| self.delivered.contains(&n) || self.ended.contains(&n));
            if !all {
                return None;
            }
            self.delivered.clear();
            self.pending.take()
        }

        fn is_blocked(&self, input: usize) -> bool {
            self.delivered.contains(&input) && !self.ended.contains(&input)
        }
    }

    proptest! {
        #[test]
        fn it_does_what_the_sets_say(
            inputs in 1..5_usize,
            steps in prop::collection::vec((0..5_usize, prop::option::weighted(0.95, 0..6_u64)), 0..60),
        ) {
            let mut alignment = Alignment::new(inputs);
            let mut model = Model { inputs, ..Model::default() };
            for (input, barrier) in steps {
                let input = input % inputs;
                let (found, expected) = match barrier {
                    Some(epoch) => {
                        let found = match alignment.arrive(input, epoch) {
                            Arrived::Waiting => None,
                            Arrived::Aligned(epoch) => Some(epoch),
                        };
                        (found, model.arrive(input, epoch))
                    }
                    None => (alignment.end(input), model.end(input)),
                };
                prop_assert_eq!(found, expected);
                prop_assert_eq!(alignment.pending(), model.pending);
                for input in 0..inputs {
                    prop_assert_eq!(alignment.is_blocked(input), model.is_blocked(input));
                }
            }
        }

        /// As sources deliver: each its barriers in order, and no input is read while it is blocked.
        #[test]
        fn epochs_align_in_order_and_each_once(turns in prop::collection::vec(0..3_usize, 0..200)) {
            let mut alignment = Alignment::new(3);
            let (mut next, mut aligned) = ([0_u64; 3], 0);
            for input in turns {
                if alignment.is_blocked(input) {
                    continue;
                }
                let epoch = next[input];
                next[input] += 1;
                if let Arrived::Aligned(done) = alignment.arrive(input, epoch) {
                    prop_assert_eq!(done, aligned);
                    aligned += 1;
                    prop_assert_eq!(next, [aligned; 3]);
                }
                prop_assert!(next.iter().all(|&epoch| epoch == aligned || epoch == aligned + 1));
            }
        }
    }
}
