//! What the output must be, worked out naively: every event in its window, in order, with nothing of the engine.

use std::collections::BTreeMap;

use super::plan::Plan;

/// A row: the end of its window, the key, how many events, and a number that follows from all of them in their order.
pub(crate) type Row = (i64, u32, u64, u64);

/// A late event: its source, and its place there.
pub(crate) type Late = (u32, u64);

/// All that must come out.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) rows: Vec<Row>,
    /// By source.
    pub(crate) late: Vec<Vec<Late>>,
}

/// The number behind one more event.
pub(crate) fn chain(before: u64, amount: u64) -> u64 {
    before.wrapping_mul(1_000_003).wrapping_add(amount + 1)
}

impl Expected {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut windows: BTreeMap<(i64, u32), (u64, u64)> = BTreeMap::new();
        let mut late = Vec::new();
        for (source, input) in plan.inputs.iter().enumerate() {
            let mut newest: Option<i64> = None;
            let mut behind = Vec::new();
            for (sequence, (ts, event)) in input.iter().enumerate() {
                let end = ts.div_euclid(plan.window) * plan.window + plan.window;
                let watermark = newest.map(|newest| newest - plan.bound - 1);
                if watermark.is_some_and(|watermark| watermark >= end - 1) {
                    behind.push((source as u32, sequence as u64));
                } else {
                    let (count, number) = windows.entry((end, event.key)).or_default();
                    *count += 1;
                    *number = chain(*number, event.amount);
                }
                newest = Some(newest.map_or(*ts, |newest| newest.max(*ts)));
            }
            late.push(behind);
        }
        let row = |((end, key), (count, number))| (end, key, count, number);
        Self { rows: windows.into_iter().map(row).collect(), late }
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
