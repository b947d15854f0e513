//! The sink's thread: puts the shards' results into one total order.
//!
//! 1. Rows are held back until every shard has passed their time; then they are sorted and written.
//! 2. So the order depends on the rows alone: not on the number of shards, nor on the timing of threads.
//! 3. Late events are ordered by the watermark that they came behind, then by their place in their source.

use std::collections::BTreeMap;

use rtrb::Consumer;
use tidewire_event::limits::{SINK_PENDING_ROWS_MAX, SPARE_LISTS_MAX, TAKE_FRAMES};
use tidewire_event::time::{NOT_DUE, WATERMARK_NONE};
use tidewire_event::{Header, OutFrame, Sink};

use crate::clock::Clock;
use crate::latency::Recorder;
use crate::wait::{Idler, Wait};

/// Why the sink gave up.
#[derive(Debug)]
pub(crate) enum SinkEnd<E> {
    Stopped,
    Backlog,
    Failed(E),
}

/// What the sink took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) rows: u64,
    pub(crate) late: u64,
}

pub(crate) struct SinkLoop<K: Sink> {
    sink: K,
    inputs: Vec<Input<K>>,
    pending: BTreeMap<i64, Vec<K::Row>>,
    /// Emptied lists for rows to come: a list of a million rows is not given back to the system for each window.
    spare: Vec<Vec<K::Row>>,
    /// By (watermark, input, sequence).
    late: BTreeMap<(i64, u32, u64), (Header, K::Late)>,
    held_back: usize,
    taken: Taken,
    latency: Option<Recorder>,
}

struct Input<K: Sink> {
    ring: Consumer<OutFrame<K::Row, K::Late>>,
    complete_to: i64,
}

impl<K: Sink> SinkLoop<K> {
    pub(crate) fn new(
        sink: K,
        rings: Vec<Consumer<OutFrame<K::Row, K::Late>>>,
        latency: Option<Recorder>,
    ) -> Self {
        let input = |ring| Input { ring, complete_to: WATERMARK_NONE };
        Self {
            sink,
            inputs: rings.into_iter().map(input).collect(),
            pending: BTreeMap::new(),
            spare: Vec::new(),
            late: BTreeMap::new(),
            held_back: 0,
            taken: Taken::default(),
            latency,
        }
    }

    /// Runs until every shard has ended, and gives the sink back.
    pub(crate) fn run(
        mut self,
        clock: &impl Clock,
        wait: Wait,
        stopped: impl Fn() -> bool,
    ) -> Result<(K, Taken), SinkEnd<K::Error>> {
        let mut idler = Idler::new(wait);
        while !self.inputs.is_empty() {
            if self.take(clock) {
                idler.busy();
                if self.held_back > SINK_PENDING_ROWS_MAX {
                    return Err(SinkEnd::Backlog);
                }
                self.write_complete().map_err(SinkEnd::Failed)?;
            } else if stopped() {
                return Err(SinkEnd::Stopped);
            } else {
                idler.idle();
            }
        }
        self.write_complete().map_err(SinkEnd::Failed)?;
        self.sink.finish().map_err(SinkEnd::Failed)?;
        if let Some(latency) = self.latency {
            latency.finish();
        }
        Ok((self.sink, self.taken))
    }

    /// Takes what has arrived from each shard; false if that was nothing.
    fn take(&mut self, clock: &impl Clock) -> bool {
        let mut any = false;
        let Self { inputs, pending, spare, late, held_back, taken, latency, .. } = self;
        inputs.retain_mut(|input| {
            let arrived = input.ring.slots().min(TAKE_FRAMES);
            let Ok(chunk) = input.ring.read_chunk(arrived) else { return true };
            any |= arrived > 0;
            let mut frames = chunk.into_iter();
            let mut next = frames.next();
            while let Some(frame) = next.take() {
                match frame {
                    OutFrame::Row { at, due, row } => {
                        // Rows of a window come together: its list is looked up once for them.
                        let fresh = || spare.pop().unwrap_or_default();
                        let rows = pending.entry(at).or_insert_with(fresh);
                        let before = rows.len();
                        let mut take = |due, row| {
                            if due != NOT_DUE
                                && let Some(latency) = latency
                            {
                                latency.record(due, clock.now());
                            }
                            rows.push(row);
                        };
                        take(due, row);
                        for frame in frames.by_ref() {
                            match frame {
                                OutFrame::Row { at: same, due, row } if same == at => {
                                    take(due, row)
                                }
                                other => {
                                    next = Some(other);
                                    break;
                                }
                            }
                        }
                        *held_back += rows.len() - before;
                        taken.rows += (rows.len() - before) as u64;
                        continue;
                    }
                    OutFrame::Late { input, header, late: event } => {
                        let place = (header.watermark, input, header.sequence);
                        late.insert(place, (header, event));
                        *held_back += 1;
                        taken.late += 1;
                    }
                    OutFrame::Complete(to) => input.complete_to = to,
                    OutFrame::Barrier { .. } => {}
                    OutFrame::End => return false,
                }
                next = frames.next();
            }
            true
        });
        any
    }

    /// Writes the rows and the late events that no shard can add to any more.
    fn write_complete(&mut self) -> Result<(), K::Error> {
        let complete_to = self.inputs.iter().map(|input| input.complete_to).min();
        let passed = |at: i64| complete_to.is_none_or(|to| at <= to);
        while let Some(first) = self.pending.first_entry()
            && passed(*first.key())
        {
            let mut rows = first.remove();
            rows.sort_unstable_by(|a, b| self.sink.compare(a, b));
            self.held_back -= rows.len();
            for row in rows.drain(..) {
                self.sink.row(row)?;
            }
            if self.spare.len() < SPARE_LISTS_MAX {
                self.spare.push(rows);
            }
        }
        // A shard that is complete to `to` has a watermark of at least `to - 1`, and so have the events that follow.
        while let Some(first) = self.late.first_entry()
            && passed(first.key().0.saturating_add(2))
        {
            let (header, late) = first.remove();
            self.held_back -= 1;
            self.sink.late(&header, late)?;
        }
        Ok(())
    }
}
