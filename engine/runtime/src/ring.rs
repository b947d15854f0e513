//! The ends of the rings, as shards and sources see them.

use rtrb::{Consumer, Producer};
use tidewire_event::{Frame, OutFrame};

use crate::shard::{Inlet, Outlet};

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

impl<R, L> Outlet<R, L> for Producer<OutFrame<R, L>> {
    #[inline]
    fn put(&mut self, frames: &mut Vec<OutFrame<R, L>>) {
        put(self, frames);
    }
}

/// Moves as many items as fit from the front of `items` into the ring, with one release store.
#[inline]
pub(crate) fn put<T>(ring: &mut Producer<T>, items: &mut Vec<T>) {
    let free = match ring.cached_slots() {
        few if few < items.len() => ring.slots(),
        enough => enough,
    };
    let count = free.min(items.len());
    if let Ok(chunk) = ring.write_chunk_uninit(count) {
        chunk.fill_from_iter(items.drain(..count));
    }
}
