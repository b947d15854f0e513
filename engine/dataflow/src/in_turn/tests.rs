//! What comes out is the input, sorted, but for what is late.

use proptest::prelude::*;
use tidewire_event::hash_of;
use tidewire_event::record::u16_ule;
use tidewire_event::time::NOT_DUE;
use tidewire_state::Arena;

use super::*;
use crate::in_order::InOrder;
use crate::testing::{Emitted, Trial, courses, times};

proptest! {
    #[test]
    fn what_comes_out_is_sorted(
        times in times(300),
        bound in 0..400_i64,
        fires in 0..3_usize,
        course in courses(),
    ) {
        let events: Vec<_> =
            times.iter().enumerate().map(|(at, ts)| (*ts, u16_ule::from(at as u16))).collect();
        let key_of = |event: &u16_ule| event.to_native() % 5;
        let make = |arena: Arena| InOrder::new(key_of, arena, InTurn::new());
        let hash = |event: &u16_ule| hash_of(&key_of(event));
        let trial = Trial { events: &events, bound, make, hash };
        let found = trial.run(fires);

        let (mut newest, mut late, mut in_time) = (None::<i64>, 0, Vec::new());
        for (place, (ts, _)) in events.iter().enumerate() {
            match newest {
                Some(newest) if *ts < newest - bound => late += 1,
                _ => in_time.push((*ts, place as u64)),
            }
            newest = newest.max(Some(*ts));
        }
        in_time.sort_unstable();
        let rows: Vec<_> = found.rows.iter().map(|(_, row)| (row.ts, row.place.sequence())).collect();
        prop_assert_eq!((rows, found.late.len()), (in_time, late));
        trial.survives(&course);
    }
}

#[test]
fn at_the_ends_of_time_rows_are_behind_what_is_complete() {
    let mut operator =
        InOrder::new(|event: &u16_ule| event.to_native(), Arena::unlimited(), InTurn::new());
    let mut out = Emitted::default();
    for (at, ts) in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX].into_iter().enumerate() {
        let place = Place::new(0, at as u64);
        let header = Header { ts, watermark: WATERMARK_NONE, place, due: NOT_DUE };
        operator.event(&header, &1.into(), &mut out);
    }
    for watermark in [0, WATERMARK_END - 1, WATERMARK_END] {
        operator.watermark(watermark, NOT_DUE);
        while operator.is_firing() {
            let (before, emitted) = (operator.complete_to(), out.rows.len());
            operator.fire(&mut out);
            assert!(out.rows[emitted..].iter().all(|(at, _)| *at > before));
        }
    }
    assert_eq!((out.rows.len(), out.late.len()), (4, 0));
    assert_eq!(operator.complete_to(), WATERMARK_END);
}
