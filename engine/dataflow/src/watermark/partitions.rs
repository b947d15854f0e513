//! The watermark of a source: the smallest over its partitions.
//!
//! 1. It never moves back, whatever becomes of a partition.
//! 2. A partition that has had no event for a set time is idle, also if it never had one: it does not hold the watermark
//!    back, until its next event. Events that come behind the watermark then are late. Where all are idle the watermark
//!    stays.
//! 3. The clock is the receive time of the source's events, and the time of day only where nothing comes. What happens at
//!    a moment depends on the moment alone and not on how often the clock is read: a replay gives what the live run gave.
//! 4. Heartbeat: when no partition has had an event for a set time, and each time again, all strategies are told what
//!    time it is: so the last window of a quiet feed closes.
//!
//! An event costs the logarithm of the number of partitions; where there is one, and no heartbeat, nothing of this.

use tidewire_event::limits::PARTITIONS_MAX;
use tidewire_event::time::{MINUTE, WATERMARK_NONE};

use super::WatermarkStrategy;
use super::smallest::Smallest;

/// What a source's watermark does when events do not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhenQuiet {
    /// A partition without an event for so long, ns, is idle. `None`: it holds the watermark back for ever.
    pub idle_after: Option<i64>,
    /// After so long without an event of the source, ns, the watermark follows the clock. `None`: it stays.
    pub heartbeat_after: Option<i64>,
}

impl Default for WhenQuiet {
    /// Partitions are idle after a minute; no heartbeat.
    fn default() -> Self {
        Self { idle_after: Some(MINUTE), heartbeat_after: None }
    }
}

/// The watermark of a source: see the module.
#[derive(Debug)]
pub struct Partitions<W> {
    /// A strategy before its first event.
    fresh: W,
    /// The only partition's.
    only: W,
    /// Where there are more, or a heartbeat.
    timed: Option<Box<Timed<W>>>,
    watermark: i64,
    when: WhenQuiet,
}

/// Where the partitions of a source stand, as a snapshot keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedPosition {
    /// The newest receive time, ns.
    pub clock: i64,
    /// The receive time of the newest event, ns.
    pub heard: i64,
    /// Each partition.
    pub partitions: Vec<PartitionPosition>,
}

/// Where a partition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionPosition {
    /// The watermark of its own, ns.
    pub watermark: i64,
    /// The receive time of its newest event, or when it was known first, ns.
    pub heard: i64,
    /// Whether it is idle.
    pub is_idle: bool,
}

/// Partitions that time matters for.
#[derive(Debug)]
struct Timed<W> {
    of: Vec<Partition<W>>,
    /// The watermarks of those that are not idle.
    awake: Smallest,
    awake_count: usize,
    /// The ends of the list of those that are not idle, by the times that they were heard.
    quietest: u32,
    loudest: u32,
    /// `None` before the first reading.
    clock: Option<i64>,
    /// When the newest event was received.
    heard: i64,
    /// The newest heartbeat.
    beat: i64,
}

#[derive(Debug)]
struct Partition<W> {
    strategy: W,
    heard: i64,
    is_idle: bool,
    /// Neighbours in the list.
    quieter: u32,
    louder: u32,
}

/// The end of the list.
const NONE: u32 = u32::MAX;

const _: () = assert!(PARTITIONS_MAX < NONE as usize);

impl<W: Clone> Partitions<W> {
    /// The watermark of `count` partitions, each with a strategy like `fresh`, which has not seen an event.
    pub fn new(fresh: W, count: u32, when: WhenQuiet) -> Self {
        let is_timed = count > 1 || when.heartbeat_after.is_some();
        let timed = is_timed.then(|| Box::new(Timed::new(&fresh, count)));
        Self { only: fresh.clone(), fresh, timed, watermark: WATERMARK_NONE, when }
    }

    /// The watermark, ns.
    #[inline]
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Whether the watermark before an event of `partition` may depend on when that was received. If not, there is no need
    /// of [`before`](Self::before).
    #[inline(always)]
    #[must_use]
    pub fn is_timed(&self, partition: u32) -> bool {
        partition != 0 || self.timed.is_some()
    }

    /// The source has `count` partitions by now: those that are new hold the watermark back.
    pub fn grow(&mut self, count: u32) {
        match &mut self.timed {
            Some(timed) => timed.grow(&self.fresh, count),
            None if count > 1 => {
                let mut timed = Timed::new(&self.fresh, count);
                timed.of[0].strategy = self.only.clone();
                timed.awake.set(0, self.watermark);
                self.timed = Some(Box::new(timed));
            }
            None => {}
        }
    }

    /// The watermark before an event of `partition` that was received at `received`, ns since the epoch.
    #[inline(never)]
    pub fn before<E>(&mut self, partition: u32, received: i64) -> i64
    where
        W: WatermarkStrategy<E>,
    {
        self.grow(partition.saturating_add(1));
        self.advance(received)
    }

    /// Takes note of an event of time `ts`, and says what the watermark is after it.
    #[inline(always)]
    pub fn observe<E>(&mut self, partition: u32, ts: i64, event: &E) -> i64
    where
        W: WatermarkStrategy<E>,
    {
        let watermark = match &mut self.timed {
            None => {
                self.only.observe(ts, event);
                self.only.watermark()
            }
            Some(timed) => timed.observe(partition, ts, event),
        };
        self.watermark = self.watermark.max(watermark);
        self.watermark
    }

    /// It is `now`, ns since the epoch, and says what the watermark is then: to be called where no event comes.
    pub fn advance<E>(&mut self, now: i64) -> i64
    where
        W: WatermarkStrategy<E>,
    {
        if let Some(timed) = &mut self.timed {
            self.watermark = timed.advance(now, self.when, self.watermark);
        }
        self.watermark
    }

    /// The other sources have passed `watermark`, and this one is idle as a whole: it follows.
    pub fn follow(&mut self, watermark: i64) {
        self.watermark = self.watermark.max(watermark);
    }

    /// The partition that holds the watermark back; `None` where all are idle.
    #[must_use]
    pub fn slowest(&self) -> Option<u32> {
        match &self.timed {
            None => Some(0),
            Some(timed) if timed.awake_count == 0 => None,
            Some(timed) => Some(timed.awake.index() as u32),
        }
    }

    /// Where the partitions stand, where that is more than the watermark.
    #[must_use]
    pub fn position<E>(&self) -> Option<TimedPosition>
    where
        W: WatermarkStrategy<E>,
    {
        let timed = self.timed.as_ref()?;
        let partition = |it: &Partition<W>| PartitionPosition {
            watermark: it.strategy.watermark(),
            heard: it.heard,
            is_idle: it.is_idle,
        };
        Some(TimedPosition {
            clock: timed.clock?,
            heard: timed.heard,
            partitions: timed.of.iter().map(partition).collect(),
        })
    }

    /// Goes on from there, before the first event.
    pub fn restore<E>(&mut self, watermark: i64, position: Option<&TimedPosition>)
    where
        W: WatermarkStrategy<E>,
    {
        self.watermark = watermark;
        match (position, &mut self.timed) {
            (Some(position), timed) => {
                let count = timed.as_ref().map_or(1, |timed| timed.of.len() as u32);
                let mut restored = Timed::restored(&self.fresh, position);
                restored.grow(&self.fresh, count);
                *timed = Some(Box::new(restored));
            }
            (None, None) => self.only.restore(watermark),
            // It was the first partition's alone.
            (None, Some(timed)) => {
                timed.of[0].strategy.restore(watermark);
                timed.awake.set(0, watermark);
            }
        }
    }
}

impl<W: Clone> Timed<W> {
    fn new(fresh: &W, count: u32) -> Self {
        let mut new = Self {
            of: Vec::new(),
            awake: Smallest::new(1),
            awake_count: 0,
            quietest: NONE,
            loudest: NONE,
            clock: None,
            heard: WATERMARK_NONE,
            beat: WATERMARK_NONE,
        };
        new.grow(fresh, count.max(1));
        new
    }

    fn restored<E>(fresh: &W, position: &TimedPosition) -> Self
    where
        W: WatermarkStrategy<E>,
    {
        let mut new = Self::new(fresh, position.partitions.len() as u32);
        (new.clock, new.heard) = (Some(position.clock), position.heard);
        let mut by_time: Vec<_> = position.partitions.iter().enumerate().collect();
        by_time.truncate(PARTITIONS_MAX);
        by_time.sort_by_key(|(_, partition)| partition.heard);
        for (index, partition) in by_time {
            new.unlink(index);
            let it = &mut new.of[index];
            it.strategy.restore(partition.watermark);
            (it.heard, it.is_idle) = (partition.heard, partition.is_idle);
            if partition.is_idle {
                new.awake_count -= 1;
                new.awake.set(index, i64::MAX);
            } else {
                new.awake.set(index, partition.watermark);
                new.link(index);
            }
        }
        new
    }

    fn grow(&mut self, fresh: &W, count: u32) {
        let count = (count as usize).min(PARTITIONS_MAX);
        if count <= self.of.len() {
            return;
        }
        self.awake = std::mem::replace(&mut self.awake, Smallest::new(1)).grown(count);
        while self.of.len() < count {
            let (index, heard) = (self.of.len(), self.clock.unwrap_or(WATERMARK_NONE));
            let strategy = fresh.clone();
            self.of.push(Partition {
                strategy,
                heard,
                is_idle: false,
                quieter: NONE,
                louder: NONE,
            });
            self.awake.set(index, WATERMARK_NONE);
            self.awake_count += 1;
            self.link(index);
        }
    }

    /// Puts a partition at the loud end of the list.
    fn link(&mut self, index: usize) {
        let this = index as u32;
        (self.of[index].quieter, self.of[index].louder) = (self.loudest, NONE);
        match self.of.get_mut(self.loudest as usize) {
            Some(before) => before.louder = this,
            None => self.quietest = this,
        }
        self.loudest = this;
    }

    /// Takes a partition out of the list.
    fn unlink(&mut self, index: usize) {
        let Partition { quieter, louder, .. } = self.of[index];
        match self.of.get_mut(quieter as usize) {
            Some(before) => before.louder = louder,
            None => self.quietest = louder,
        }
        match self.of.get_mut(louder as usize) {
            Some(behind) => behind.quieter = quieter,
            None => self.loudest = quieter,
        }
    }

    fn observe<E>(&mut self, partition: u32, ts: i64, event: &E) -> i64
    where
        W: WatermarkStrategy<E>,
    {
        let index = (partition as usize).min(self.of.len() - 1);
        let clock = self.clock.unwrap_or(WATERMARK_NONE);
        if self.of[index].is_idle {
            self.of[index].is_idle = false;
            self.awake_count += 1;
            self.link(index);
        } else if self.loudest != index as u32 {
            self.unlink(index);
            self.link(index);
        }
        let partition = &mut self.of[index];
        partition.heard = clock;
        self.heard = clock;
        partition.strategy.observe(ts, event);
        self.awake.set(index, partition.strategy.watermark());
        self.awake.smallest()
    }

    /// Moves the clock, and says what the watermark is then, where it was `watermark`.
    fn advance<E>(&mut self, now: i64, when: WhenQuiet, mut watermark: i64) -> i64
    where
        W: WatermarkStrategy<E>,
    {
        let clock = match self.clock {
            Some(clock) => clock.max(now),
            None => {
                // Those that have not been heard are from now on.
                self.of.iter_mut().for_each(|partition| partition.heard = now);
                self.heard = now;
                now
            }
        };
        self.clock = Some(clock);
        if let Some(idle_after) = when.idle_after.map(|after| after.max(1)) {
            // Moment after moment, as if the clock were read at each: when the last ones become idle the watermark stays.
            while let Some(quietest) = self.of.get(self.quietest as usize)
                && clock.saturating_sub(quietest.heard) >= idle_after
            {
                let moment = quietest.heard;
                while let Some(quietest) = self.of.get(self.quietest as usize)
                    && quietest.heard == moment
                {
                    self.falls_idle(self.quietest as usize);
                }
                if self.awake_count > 0 {
                    watermark = watermark.max(self.awake.smallest());
                }
            }
        }
        if let Some(every) = when.heartbeat_after.map(|every| every.max(1))
            && clock.saturating_sub(self.heard) >= every
        {
            let since = clock.saturating_sub(self.heard);
            let beat = self.heard.saturating_add(since - since % every);
            if beat > self.beat {
                self.beat = beat;
                watermark = watermark.max(self.heartbeat(beat));
            }
        }
        watermark
    }

    fn falls_idle(&mut self, index: usize) {
        self.unlink(index);
        self.of[index].is_idle = true;
        self.awake.set(index, i64::MAX);
        self.awake_count -= 1;
    }

    /// Tells all strategies the time, and gives the smallest of their watermarks.
    #[cold]
    fn heartbeat<E>(&mut self, now: i64) -> i64
    where
        W: WatermarkStrategy<E>,
    {
        let mut smallest = i64::MAX;
        for (index, partition) in self.of.iter_mut().enumerate() {
            partition.strategy.heartbeat(now);
            let watermark = partition.strategy.watermark();
            smallest = smallest.min(watermark);
            if !partition.is_idle {
                self.awake.set(index, watermark);
            }
        }
        smallest
    }
}

#[cfg(test)]
mod tests;
