//! The state machine under a scheduler of the tests' own: rings that fill up, chunks of any size, any order of inputs.

use std::collections::VecDeque;

use proptest::prelude::*;
use tidewire_dataflow::{Aggregate, KeyedWindow, Tumbling, Window, WindowRow};
use tidewire_event::Place;
use tidewire_event::record::u64_le;
use tidewire_state::Arena;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    key: u8,
}

#[derive(Clone)]
struct Count;

impl Aggregate for Count {
    type In = Event;
    type Partial = u64_le;
    type Out = u64;

    fn lift(&self, _: &Header, _: &Event) -> u64_le {
        1.into()
    }

    fn combine(&self, a: &u64_le, b: &u64_le) -> u64_le {
        (*a + *b).into()
    }

    fn lower(&self, _: Window, count: &u64_le) -> u64 {
        count.to_native()
    }
}

type Row = WindowRow<u8, u64>;

/// A ring that hands over at most `most` frames at a time.
struct Queue {
    frames: VecDeque<Frame<Event>>,
    most: usize,
}

impl Inlet<Event> for Queue {
    fn take(&mut self, count: usize, mut take: impl FnMut(Frame<Event>) -> bool) -> usize {
        let count = count.min(self.most).min(self.frames.len());
        for taken in 0..count {
            let Some(frame) = self.frames.pop_front() else { return taken };
            if !take(frame) {
                return taken + 1;
            }
        }
        count
    }
}

/// A ring with room for `room` frames more.
struct Room {
    room: usize,
    frames: Vec<OutFrame<Row, Event>>,
}

impl Outlet<Row, Event> for Room {
    fn put(&mut self, frames: &mut Vec<OutFrame<Row, Event>>) {
        let count = self.room.min(frames.len());
        self.room -= count;
        self.frames.extend(frames.drain(..count));
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> i64 {
        0
    }
}

/// Sends `events` of (time, key) round the inputs, each with a monotonic watermark, and runs the shard to its end.
fn run(events: &[(i64, u8)], inputs: usize, chunks: &[usize], rooms: &[usize]) -> Room {
    let windows = Tumbling::new(10).unwrap();
    let operator = KeyedWindow::new(windows, |e: &Event| e.key, Count, Arena::unlimited());
    let mut shard = Shard::new(operator, inputs);
    let mut queues: Vec<_> =
        (0..inputs).map(|_| Queue { frames: VecDeque::new(), most: usize::MAX }).collect();
    let mut newest = vec![i64::MIN; inputs];
    for (at, (ts, key)) in events.iter().enumerate() {
        let input = at % inputs;
        let watermark = newest[input].saturating_sub(1);
        let header = Header { ts: *ts, watermark, place: Place::new(0, at as u64), due: NOT_DUE };
        queues[input].frames.push_back(Frame::Event(header, Event { key: *key }));
        newest[input] = newest[input].max(*ts);
    }
    for queue in &mut queues {
        queue.frames.push_back(Frame::End(End::Input));
    }
    let mut out = Room { room: 0, frames: Vec::new() };
    let (mut chunks, mut rooms) = (chunks.iter().cycle(), rooms.iter().cycle());
    for _ in 0..100_000 {
        out.room = *rooms.next().unwrap();
        for queue in &mut queues {
            queue.most = *chunks.next().unwrap();
        }
        if shard.step(&mut queues, &mut out, &Still) == Step::Done {
            return out;
        }
    }
    panic!("the shard does not end: {events:?}");
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_how_frames_arrive(
        events in prop::collection::vec((0..200_i64, 0..5_u8), 0..200),
        inputs in 1..4_usize,
        chunks in prop::collection::vec(0..20_usize, 1..10).prop_filter("some", |c| c.iter().any(|n| *n > 0)),
        rooms in prop::collection::vec(0..20_usize, 1..10).prop_filter("some", |r| r.iter().any(|n| *n > 0)),
    ) {
        let chunks: Vec<usize> = if chunks.len() % inputs == 0 { [&chunks[..], &[1]].concat() } else { chunks };
        let parts = |out: &Room| {
            let (mut rows, mut late, mut complete) = (Vec::new(), Vec::new(), i64::MIN);
            for frame in &out.frames {
                match frame {
                    OutFrame::Row { at, row, .. } => {
                        assert!(*at > complete, "a row behind its own completeness");
                        rows.push((*at, row.key, row.value));
                    }
                    OutFrame::Late { header, late: event } => late.push((header.place.sequence(), event.key)),
                    OutFrame::Complete(to) => {
                        assert!(*to > complete);
                        complete = *to;
                    }
                    OutFrame::Now { .. } | OutFrame::Barrier { .. } | OutFrame::End(_) => {}
                }
            }
            rows.sort_unstable();
            late.sort_unstable();
            (rows, late)
        };
        let slow = run(&events, inputs, &chunks, &rooms);
        let fast = run(&events, inputs, &[usize::MAX], &[usize::MAX]);
        prop_assert!(matches!(slow.frames.last(), Some(OutFrame::End(End::Input))));
        let (rows, late) = parts(&slow);
        prop_assert_eq!(rows.iter().map(|row| row.2).sum::<u64>() + late.len() as u64, events.len() as u64);
        prop_assert_eq!((rows, late), parts(&fast));
    }
}

#[test]
fn a_window_stays_open_until_every_input_has_passed_it() {
    let windows = Tumbling::new(10).unwrap();
    let operator = KeyedWindow::new(windows, |e: &Event| e.key, Count, Arena::unlimited());
    let mut shard = Shard::new(operator, 2);
    let mut out = Room { room: usize::MAX, frames: Vec::new() };
    let header = Header { ts: 3, watermark: WATERMARK_NONE, place: Place::new(0, 0), due: NOT_DUE };
    shard.event(0, &header, &Event { key: 1 }, &Still);
    shard.watermark(0, 100, NOT_DUE);
    while shard.pump(&mut out) == Step::Busy {}
    assert_eq!(out.frames, []);
    shard.watermark(1, 9, NOT_DUE);
    while shard.pump(&mut out) == Step::Busy {}
    let rows = out.frames.iter().filter(|frame| matches!(frame, OutFrame::Row { at: 10, .. }));
    assert_eq!(rows.count(), 1);
    assert_eq!(out.frames.last(), Some(&OutFrame::Complete(10)));
}
