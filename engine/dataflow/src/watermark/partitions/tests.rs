//! Partitions against a slow model: every moment on its own, and the smallest of a list.

use proptest::prelude::*;
use tidewire_event::time::SECOND;

use super::*;
use crate::watermark::Bounded;

const BOUND: i64 = 5;

/// What happens at a moment.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Event {
        partition: u32,
        ts: i64,
    },
    /// The clock is read, and nothing has come.
    Nothing,
}

/// The model of a partition: its newest time, when it was heard, and whether it is idle.
type Modelled = (Option<i64>, i64, bool);

/// The watermark before each event and at the end. Each nanosecond of the clock is walked through.
fn model(moments: &[(i64, Happens)], count: u32, when: WhenQuiet) -> Vec<i64> {
    let start = moments.first().map_or(0, |it| it.0);
    let mut all: Vec<Modelled> = vec![(None, start, false); count as usize];
    let (mut watermark, mut found) = (WATERMARK_NONE, Vec::new());
    let (mut clock, mut heard) = (start, start);
    let of = |it: &Modelled| it.0.map_or(WATERMARK_NONE, |newest| newest - BOUND - 1);
    for (now, happens) in moments {
        loop {
            for it in &mut all {
                it.2 |= when.idle_after.is_some_and(|after| clock - it.1 >= after);
            }
            let awake = all.iter().filter(|it| !it.2).map(of).min();
            watermark = watermark.max(awake.unwrap_or(WATERMARK_NONE));
            if when
                .heartbeat_after
                .is_some_and(|every| clock > heard && (clock - heard) % every == 0)
            {
                all.iter_mut().for_each(|it| it.0 = it.0.max(Some(clock)));
                watermark = watermark.max(all.iter().map(of).min().unwrap_or(WATERMARK_NONE));
            }
            if clock >= *now {
                break;
            }
            clock += 1;
        }
        if let Happens::Event { partition, ts } = happens {
            found.push(watermark);
            let it = &mut all[*partition as usize];
            *it = (it.0.max(Some(*ts)), clock, false);
            heard = clock;
            let awake = all.iter().filter(|it| !it.2).map(of).min();
            watermark = watermark.max(awake.unwrap_or(WATERMARK_NONE));
        }
    }
    found.push(watermark);
    found
}

fn run(moments: &[(i64, Happens)], count: u32, when: WhenQuiet, restored_at: usize) -> Vec<i64> {
    let mut of = Partitions::new(Bounded::new(BOUND), count, when);
    let mut found = Vec::new();
    for (at, (now, happens)) in moments.iter().enumerate() {
        if at == restored_at {
            let (watermark, position) = (of.watermark(), of.position::<()>());
            of = Partitions::new(Bounded::new(BOUND), count, when);
            of.restore::<()>(watermark, position.as_ref());
        }
        match happens {
            Happens::Event { partition, ts } => {
                let before = if of.is_timed(*partition) {
                    of.before::<()>(*partition, *now)
                } else {
                    of.watermark()
                };
                found.push(before);
                let after = of.observe(*partition, *ts, &());
                assert_eq!(after, of.watermark());
            }
            Happens::Nothing => {
                of.advance::<()>(*now);
            }
        }
    }
    found.push(of.watermark());
    found
}

fn moments(partitions: u32) -> impl Strategy<Value = Vec<(i64, Happens)>> {
    let event = (0..partitions, -30..10_i64).prop_map(|(partition, behind)| (partition, behind));
    let moment =
        (prop_oneof![4 => 0..3_i64, 1 => 0..80_i64], -3..1_i64, prop::option::weighted(0.8, event));
    prop::collection::vec(moment, 0..80).prop_map(|moments| {
        let mut now = 1_000;
        let moments = moments.into_iter().map(|(step, back, event)| {
            now += step;
            let happens = event.map_or(Happens::Nothing, |(partition, behind)| Happens::Event {
                partition,
                ts: now + behind,
            });
            // A receive time may stand a little behind the one before.
            (now + back, happens)
        });
        moments.collect()
    })
}

fn when() -> impl Strategy<Value = WhenQuiet> {
    let after = || prop::option::of(1..40_i64);
    (after(), after())
        .prop_map(|(idle_after, heartbeat_after)| WhenQuiet { idle_after, heartbeat_after })
}

proptest! {
    #[test]
    fn agrees_with_the_model_also_after_a_restore(
        (count, moments) in (1..6_u32).prop_flat_map(|count| (Just(count), moments(count))),
        when in when(),
        restored_at in 0..100_usize,
    ) {
        let expected = model(&moments, count, when);
        prop_assert_eq!(run(&moments, count, when, usize::MAX), expected.clone());
        prop_assert_eq!(run(&moments, count, when, restored_at), expected);
    }

    /// A replay, which reads the clock at events alone, gives what the live run gave.
    #[test]
    fn it_does_not_matter_how_often_the_clock_is_read(
        (count, moments) in (1..6_u32).prop_flat_map(|count| (Just(count), moments(count))),
        when in when(),
    ) {
        let is_event = |happens: &Happens| matches!(happens, Happens::Event { .. });
        let first = moments.iter().position(|(_, happens)| is_event(happens)).unwrap_or(0);
        // Here nothing is received before the clock was read last.
        let mut newest = i64::MIN;
        let live = moments[first..].iter().map(|(now, happens)| {
            newest = newest.max(*now);
            (newest, *happens)
        });
        let live: Vec<_> = live.collect();
        let replay: Vec<_> = live.iter().filter(|(_, happens)| is_event(happens)).copied().collect();
        let (mut live, mut replay) = (run(&live, count, when, usize::MAX), run(&replay, count, when, usize::MAX));
        // At the end the live run may have waited for longer.
        live.pop();
        replay.pop();
        prop_assert_eq!(live, replay);
    }
}

fn event(of: &mut Partitions<Bounded>, partition: u32, ts: i64) -> i64 {
    of.before::<()>(partition, ts);
    of.observe(partition, ts, &())
}

#[test]
fn a_partition_that_never_had_an_event_becomes_idle_too() {
    let mut of = Partitions::new(Bounded::new(0), 2, WhenQuiet::default());
    assert_eq!(event(&mut of, 0, 100 * SECOND), WATERMARK_NONE);
    assert_eq!(of.slowest(), Some(1));
    assert_eq!(event(&mut of, 0, 159 * SECOND), WATERMARK_NONE);
    assert_eq!(event(&mut of, 0, 160 * SECOND), 160 * SECOND - 1);
    assert_eq!(of.slowest(), Some(0));
    // Its first event holds the watermark where it is.
    assert_eq!(event(&mut of, 1, 120 * SECOND), 160 * SECOND - 1);
    assert_eq!(event(&mut of, 0, 170 * SECOND), 160 * SECOND - 1);
    assert_eq!(of.slowest(), Some(1));
}

#[test]
fn partitions_may_be_added() {
    let mut of = Partitions::new(Bounded::new(0), 1, WhenQuiet::default());
    assert_eq!(of.observe(0, 100, &()), 99);
    assert!(of.is_timed(3) && !of.is_timed(0));
    assert_eq!(event(&mut of, 3, 50), 99);
    assert_eq!(
        (of.slowest(), of.position::<()>().map(|it| it.partitions.len())),
        (Some(1), Some(4))
    );
    of.grow(2);
    assert_eq!(of.position::<()>().map(|it| it.partitions.len()), Some(4));
    // Beyond the bound there is no memory for more.
    assert_eq!(event(&mut of, u32::MAX, 60), 99);
    assert_eq!(of.position::<()>().map(|it| it.partitions.len()), Some(PARTITIONS_MAX));
}

#[test]
fn a_heartbeat_closes_the_last_window_of_a_quiet_feed() {
    let when = WhenQuiet { idle_after: Some(SECOND), heartbeat_after: Some(10 * SECOND) };
    let mut of = Partitions::new(Bounded::new(SECOND), 1, when);
    assert_eq!(event(&mut of, 0, 100 * SECOND), 99 * SECOND - 1);
    assert_eq!(of.advance::<()>(109 * SECOND), 99 * SECOND - 1);
    assert_eq!(of.advance::<()>(115 * SECOND), 109 * SECOND - 1);
    assert_eq!(of.advance::<()>(125 * SECOND), 119 * SECOND - 1);
}
