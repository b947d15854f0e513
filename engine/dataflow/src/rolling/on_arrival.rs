//! Results that leave at once: see [`rolling`](super).

use std::marker::PhantomData;

use tidewire_event::time::WATERMARK_NONE;
use tidewire_event::{Header, Key};
use tidewire_state::{Arena, Durable, Full, Image, LayoutMismatch, Log};
use zerocopy::Unaligned;

use super::timeline::Timelines;
use super::{Frame, RollingRow, row};
use crate::aggregate::Aggregate;
use crate::operator::{Operator, Output};
use crate::window::Tumbling;

/// Rolling aggregation whose results leave at once, in the order of arrival.
pub struct RollingOnArrival<K: Key, F, A: Aggregate> {
    key_of: F,
    timelines: Timelines<K, A>,
    watermark: i64,
    event: PhantomData<fn(&A::In) -> K>,
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> RollingOnArrival<K, F, A>
where
    A::Partial: Unaligned,
{
    /// `aggregate` over `frame`, for each key that `key_of` reads from an event, with state in `arena`.
    ///
    /// # Errors
    /// The state's budget has no room for its tables.
    pub fn new(frame: Frame, key_of: F, aggregate: A, arena: Arena) -> Result<Self, Full> {
        Ok(Self {
            key_of,
            timelines: Timelines::new(frame.not_negative(), aggregate, arena)?,
            watermark: WATERMARK_NONE,
            event: PhantomData,
        })
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        self.timelines.sizes()
    }
}

impl<K: Key, F: Fn(&A::In) -> K, A: Aggregate> Operator for RollingOnArrival<K, F, A>
where
    A::In: Copy,
    A::Partial: Unaligned,
{
    type In = A::In;
    type Row = RollingRow<A::In, A::Out>;
    type Late = A::In;

    #[inline]
    fn event(
        &mut self,
        header: &Header,
        event: &A::In,
        out: &mut impl Output<Self::Row, Self::Late>,
    ) {
        if header.ts <= header.watermark && header.watermark > WATERMARK_NONE {
            return out.late(header, *event);
        }
        let key = (self.key_of)(event);
        match self.timelines.insert_and_frame(key, header, event, self.watermark) {
            Some(framed) => {
                out.now(header.due, row(self.timelines.aggregate(), header, *event, &framed));
            }
            None => out.refused(header),
        }
    }

    #[inline]
    fn watermark(&mut self, watermark: i64, _: i64) {
        self.watermark = watermark;
        self.timelines.pass(watermark);
    }

    fn grid(&self) -> Option<Tumbling> {
        None
    }

    #[inline]
    fn is_firing(&self) -> bool {
        false
    }

    fn fire(&mut self, _: &mut impl Output<Self::Row, Self::Late>) {}

    #[inline]
    fn complete_to(&self) -> i64 {
        self.watermark
    }

    fn closed_to(&self, watermark: i64) -> i64 {
        watermark
    }
}

impl<K: Key, F, A: Aggregate> Durable for RollingOnArrival<K, F, A>
where
    A::Partial: Unaligned,
{
    fn freeze(&mut self) {
        self.timelines.freeze();
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        self.timelines.capture(records, log)
    }

    fn give_up(&mut self) {
        self.timelines.give_up();
    }

    fn overflowed(&self) -> bool {
        self.timelines.overflowed()
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.timelines.restore(image)
    }
}
