//! The ends of the rings, as shards and sources see them.

use rtrb::{Consumer, Producer};
use tidewire_event::{Frame, OutFrame};

use crate::shard::{Inlet, Outlet};
use crate::wait::Bell;

/// Where a ring is written to.
#[derive(Debug)]
pub(crate) struct Inflow<T> {
    ring: Producer<T>,
    /// Of the thread at the other end.
    bell: Bell,
}

impl<T> Inflow<T> {
    pub(crate) fn new(ring: Producer<T>, bell: Bell) -> Self {
        Self { ring, bell }
    }

    /// How many items there is room for now.
    pub(crate) fn room(&self) -> usize {
        self.ring.slots()
    }

    /// Moves as many items as fit from the front of `items` into the ring, with one release store.
    #[inline]
    pub(crate) fn put(&mut self, items: &mut Vec<T>) {
        let free = match self.ring.cached_slots() {
            few if few < items.len() => self.ring.slots(),
            enough => enough,
        };
        let count = free.min(items.len());
        if let Ok(chunk) = self.ring.write_chunk_uninit(count) {
            chunk.fill_from_iter(items.drain(..count));
        }
        if count > 0 {
            self.bell.ring();
        }
    }
}

impl<E> Inlet<E> for Consumer<Frame<E>> {
    #[inline]
    fn take(&mut self, count: usize, mut take: impl FnMut(Frame<E>) -> bool) -> usize {
        let arrived = match self.cached_slots() {
            0 => self.slots(),
            some => some,
        };
        let Ok(chunk) = self.read_chunk(arrived.min(count)) else { return 0 };
        let mut taken = 0;
        // What the loop does not come to stays in the ring.
        for frame in chunk {
            taken += 1;
            if !take(frame) {
                break;
            }
        }
        taken
    }
}

impl<R, L> Outlet<R, L> for Inflow<OutFrame<R, L>> {
    #[inline]
    fn put(&mut self, frames: &mut Vec<OutFrame<R, L>>) {
        self.put(frames);
    }
}
