//! What the output must be, worked out naively: every event in its window, in order, with nothing of the engine.

use std::collections::BTreeMap;

use super::plan::{Event, Plan, Work};

/// A row: the end of its window, the key, how many events, and a number that follows from all of them in their order.
pub(crate) type Row = (i64, u32, u64, u64);

/// A late event: its source, and its place there.
pub(crate) type Late = (u32, u64);

/// All that must come out.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) rows: Vec<Row>,
    /// By key and window.
    pub(crate) corrected: BTreeMap<(u32, i64), Vec<Row>>,
    /// By source.
    pub(crate) late: Vec<Vec<Late>>,
}

/// What a key has come to in a window.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    count: u64,
    number: u64,
    /// The same when the window closed.
    complete: Option<(u64, u64)>,
}

impl Chain {
    fn take(&mut self, event: &Event) -> &Self {
        self.count += 1;
        self.number = chain(self.number, event.amount());
        self
    }

    fn row(&self, end: i64, key: u32) -> Row {
        (end, key, self.count, self.number)
    }
}

/// The watermark of a source: the smallest over the partitions that are not idle, one moment after the other.
struct Watermarks<'p> {
    plan: &'p Plan,
    watermark: Option<i64>,
    clock: Option<i64>,
    /// For each partition its newest time, and when it was heard; its idleness follows from the clock.
    partitions: Vec<(Option<i64>, i64)>,
}

impl<'p> Watermarks<'p> {
    fn new(plan: &'p Plan) -> Self {
        let partitions = vec![(None, i64::MIN); plan.partitions as usize];
        Self { plan, watermark: None, clock: None, partitions }
    }

    /// Moves the watermark to the smallest of those that are not idle at a moment, if there are any.
    fn combine(&mut self, moment: i64) {
        let idle_after = self.plan.idle_after.unwrap_or(i64::MAX);
        let awake = self.partitions.iter().filter(|(_, heard)| moment - heard < idle_after);
        let of = |newest: Option<i64>| newest.map(|newest| newest - self.plan.bound - 1);
        // None, of a partition without an event, is smaller than all.
        self.watermark = self.watermark.max(awake.map(|(newest, _)| of(*newest)).min().flatten());
    }

    /// The watermark before an event that is received at `now`.
    fn before(&mut self, now: i64) -> Option<i64> {
        let Some(clock) = self.clock else {
            self.clock = Some(now);
            self.partitions.iter_mut().for_each(|(_, heard)| *heard = now);
            return None;
        };
        let clock = clock.max(now);
        self.clock = Some(clock);
        if let Some(idle_after) = self.plan.idle_after
            && self.plan.partitions > 1
        {
            let falls_idle = self.partitions.iter().map(|(_, heard)| heard + idle_after);
            let mut moments: Vec<_> = falls_idle.filter(|moment| *moment <= clock).collect();
            moments.sort_unstable();
            moments.into_iter().for_each(|moment| self.combine(moment));
        }
        self.watermark
    }

    fn behind(&mut self, ts: i64, partition: u32) {
        let clock = self.clock.unwrap_or(ts);
        let (newest, heard) = &mut self.partitions[partition as usize];
        (*newest, *heard) = ((*newest).max(Some(ts)), clock);
        self.combine(clock);
    }
}

const FACTOR: u64 = 1_000_003;

/// The number behind one more event.
pub(crate) fn chain(before: u64, amount: u64) -> u64 {
    before.wrapping_mul(FACTOR).wrapping_add(amount + 1)
}

/// The number behind so many more, which alone would come to `number`.
pub(crate) fn chain_all(before: u64, count: u64, number: u64) -> u64 {
    before.wrapping_mul(FACTOR.wrapping_pow(count as u32)).wrapping_add(number)
}

impl Expected {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut windows: BTreeMap<(i64, u32), Chain> = BTreeMap::new();
        let (mut late, mut corrected) = (Vec::new(), BTreeMap::new());
        let mut in_time = Vec::new();
        for (source, input) in plan.inputs.iter().enumerate() {
            let mut watermarks = Watermarks::new(plan);
            let mut behind = Vec::new();
            for (sequence, (ts, event)) in input.iter().enumerate() {
                let end = ts.div_euclid(plan.window) * plan.window + plan.window;
                let watermark = watermarks.before(*ts);
                let is_behind = |time: i64| watermark.is_some_and(|watermark| watermark >= time);
                match plan.work {
                    Work::InOrder if is_behind(*ts) => {
                        behind.push((source as u32, sequence as u64))
                    }
                    Work::InOrder => in_time.push((*ts, source, sequence, event)),
                    Work::Windows { lateness } if is_behind(end - 1 + lateness) => {
                        behind.push((source as u32, sequence as u64));
                    }
                    Work::Windows { .. } if is_behind(end - 1) => {
                        let chain = windows.entry((end, event.key())).or_default();
                        let row = chain.take(event).row(end, event.key());
                        corrected.entry((event.key(), end)).or_insert_with(Vec::new).push(row);
                    }
                    Work::Windows { .. } => {
                        let chain = windows.entry((end, event.key())).or_default();
                        chain.take(event);
                        chain.complete = Some((chain.count, chain.number));
                    }
                }
                watermarks.behind(*ts, event.partition());
            }
            late.push(behind);
        }
        in_time.sort_unstable_by_key(|(ts, source, sequence, _)| (*ts, *source, *sequence));
        for (ts, _, _, event) in in_time {
            let end = ts.div_euclid(plan.window) * plan.window + plan.window;
            let chain = windows.entry((end, event.key())).or_default();
            chain.take(event);
            chain.complete = Some((chain.count, chain.number));
        }
        let row = |((end, key), chain): ((i64, u32), Chain)| {
            chain.complete.map(|(count, number)| (end, key, count, number))
        };
        Self { rows: windows.into_iter().filter_map(row).collect(), corrected, late }
    }

    /// Says what is wrong with corrected rows that are not, for each key and window, the first of these; or, if they must be
    /// the whole, not all of them. Others have no order among them.
    pub(crate) fn check_corrected<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        is_whole: bool,
    ) -> Result<(), String> {
        let mut seen: BTreeMap<(u32, i64), usize> = BTreeMap::new();
        for row in rows {
            let at = seen.entry((row.1, row.0)).or_default();
            let expected = self.corrected.get(&(row.1, row.0)).and_then(|rows| rows.get(*at));
            if expected != Some(row) {
                return Err(format!(
                    "corrected row {at} of a key is {row:?}, and must be {expected:?}"
                ));
            }
            *at += 1;
        }
        let all: usize = self.corrected.values().map(Vec::len).sum();
        let found: usize = seen.values().sum();
        if is_whole && found != all {
            return Err(format!(
                "the end of the job, and {found} of {all} corrected rows are there"
            ));
        }
        Ok(())
    }

    /// Says what is wrong with an output that is not a prefix of this; or, if it must be the whole, not all of it.
    pub(crate) fn check<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        late: impl Iterator<Item = &'a Late>,
        is_whole: bool,
    ) -> Result<(), String> {
        let mut seen = 0;
        for row in rows {
            match self.rows.get(seen) {
                Some(expected) if expected == row => seen += 1,
                expected => {
                    return Err(format!("row {seen} is {row:?}, and must be {expected:?}"));
                }
            }
        }
        let mut seen_late = vec![0; self.late.len()];
        for late in late {
            let (source, _) = late;
            let at = &mut seen_late[*source as usize];
            match self.late[*source as usize].get(*at) {
                Some(expected) if expected == late => *at += 1,
                expected => {
                    return Err(format!("late event {at} is {late:?}, and must be {expected:?}"));
                }
            }
        }
        let all_late: Vec<_> = self.late.iter().map(Vec::len).collect();
        if is_whole && (seen != self.rows.len() || seen_late != all_late) {
            let all = self.rows.len();
            return Err(format!(
                "the end of the job, and {seen} of {all} rows and {seen_late:?} of {all_late:?} late events are there"
            ));
        }
        Ok(())
    }
}
