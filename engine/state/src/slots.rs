//! One array of slots: a power of two of them, in memory of its own.
//!
//! A slot's number is masked to the array before it is used, so every access lies within the mapping; the mapping is
//! initialised and aligned to a page, and a slot's size is a multiple of the alignment of all its parts.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::slice;

use tidewire_event::{Key, Record};

use crate::budget::{Budget, Full};
use crate::layout::{Head, Layout, Shape, Typed};
use crate::mapping::Mapping;

#[derive(Debug)]
pub(crate) struct Slots<S> {
    shape: S,
    memory: Mapping,
    mask: usize,
    /// Right shift that makes a slot's number of 64 bits.
    narrow: u32,
    /// Bytes before this one have been given back.
    released: usize,
}

impl<S: Shape> Slots<S> {
    /// `count` empty slots, a power of two.
    pub(crate) fn new(
        shape: S,
        count: usize,
        budget: &Budget,
        filled_soon: bool,
    ) -> Result<Self, Full> {
        assert!(count.is_power_of_two());
        let bytes = count.checked_mul(shape.layout().slot_bytes()).ok_or(Full)?;
        let memory = Mapping::zeroed(bytes, budget, filled_soon)?;
        Ok(Self::over(shape, memory, count))
    }

    /// `count` empty slots in memory that was made ready for them; `None` if it is of another size.
    pub(crate) fn of_memory(shape: S, count: usize, memory: Mapping) -> Option<Self> {
        let bytes = count.checked_mul(shape.layout().slot_bytes());
        (bytes == Some(memory.granted())).then(|| Self::over(shape, memory, count))
    }

    /// The slots that lie in `file` from `offset` on.
    pub(crate) fn of_file(
        shape: S,
        count: usize,
        file: &File,
        offset: u64,
        budget: &Budget,
    ) -> io::Result<Self> {
        let bytes = count.checked_mul(shape.layout().slot_bytes());
        let bytes = bytes.filter(|_| count.is_power_of_two()).ok_or(io::ErrorKind::InvalidData)?;
        let memory = Mapping::of_file(file, offset, bytes, budget)?;
        Ok(Self::over(shape, memory, count))
    }

    fn over(shape: S, memory: Mapping, count: usize) -> Self {
        let narrow = u64::BITS - count.trailing_zeros();
        Self { shape, memory, mask: count - 1, narrow, released: 0 }
    }

    #[inline(always)]
    pub(crate) fn narrow(&self) -> u32 {
        self.narrow
    }

    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.mask + 1
    }

    #[inline(always)]
    pub(crate) fn mask(&self) -> usize {
        self.mask
    }

    #[inline(always)]
    fn offset(&self, at: usize) -> usize {
        (at & self.mask) * self.shape.layout().slot_bytes()
    }

    #[inline(always)]
    pub(crate) fn head(&self, at: usize) -> &Head {
        // SAFETY: the slot lies within the mapping, starts with a head, and is aligned for it (see the module).
        unsafe { &*self.memory.base().add(self.offset(at)).cast() }
    }

    #[inline(always)]
    pub(crate) fn head_mut(&mut self, at: usize) -> &mut Head {
        let offset = self.offset(at);
        // SAFETY: as in `head`; the borrow of self makes it the only reference.
        unsafe { &mut *self.memory.base_mut().add(offset).cast() }
    }

    #[inline(always)]
    fn part(&self, at: usize, part: usize, bytes: usize) -> &[u8] {
        // SAFETY: `part + bytes` is at most the slot's size, and the slot lies within the mapping.
        unsafe { slice::from_raw_parts(self.memory.base().add(self.offset(at) + part), bytes) }
    }

    #[inline(always)]
    pub(crate) fn key_bytes(&self, at: usize) -> &[u8] {
        let layout = self.shape.layout();
        self.part(at, layout.key_at(), layout.key_bytes as usize)
    }

    #[inline(always)]
    pub(crate) fn value_bytes(&self, at: usize) -> &[u8] {
        let layout = self.shape.layout();
        self.part(at, layout.value_at(), layout.value_bytes as usize)
    }

    /// Writes head, key and value, which have the layout's sizes.
    #[inline(always)]
    pub(crate) fn put(&mut self, at: usize, head: Head, key: &[u8], value: &[u8]) {
        let layout = self.shape.layout();
        assert!(key.len() == layout.key_bytes as usize);
        assert!(value.len() == layout.value_bytes as usize);
        *self.head_mut(at) = head;
        let offset = self.offset(at);
        // SAFETY: both parts lie within the slot, which lies within the mapping; key and value come from elsewhere, as
        // self is borrowed for writing.
        unsafe {
            let slot = self.memory.base_mut().add(offset);
            key.as_ptr().copy_to_nonoverlapping(slot.add(layout.key_at()), key.len());
            value.as_ptr().copy_to_nonoverlapping(slot.add(layout.value_at()), value.len());
        }
    }

    /// Gives memory back whose slots all lie before slot `to`, in pieces of `piece` bytes.
    pub(crate) fn release_before(&mut self, to: usize, piece: usize) {
        let end = to * self.shape.layout().slot_bytes() / piece * piece;
        if end > self.released {
            self.memory.release(self.released, end);
            self.released = end;
        }
    }

    /// The memory as it is stored.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.bytes()
    }

    /// The same slots, as another shape of the same layout sees them.
    pub(crate) fn cast<T: Shape>(self, shape: T) -> Result<Slots<T>, (Layout, Layout)> {
        let (own, other) = (self.shape.layout(), shape.layout());
        if own != other {
            return Err((own, other));
        }
        let Self { memory, mask, narrow, released, .. } = self;
        Ok(Slots { shape, memory, mask, narrow, released })
    }
}

impl<K: Key, V: Record> Slots<Typed<K, V>> {
    #[inline(always)]
    pub(crate) fn key(&self, at: usize) -> &K::Archived {
        let layout = self.shape.layout();
        // SAFETY: the part is within the slot and aligned for a key, its bytes are initialised, and every pattern of
        // bits is a key, because it is a Record.
        unsafe { &*self.memory.base().add(self.offset(at) + layout.key_at()).cast() }
    }

    #[inline(always)]
    pub(crate) fn value(&self, at: usize) -> &V {
        let layout = self.shape.layout();
        // SAFETY: as for a key.
        unsafe { &*self.memory.base().add(self.offset(at) + layout.value_at()).cast() }
    }

    #[inline(always)]
    pub(crate) fn value_mut(&mut self, at: usize) -> &mut V {
        let offset = self.offset(at) + self.shape.layout().value_at();
        // SAFETY: as for a key; the borrow of self makes it the only reference, and whatever is written to a Record is
        // initialised bytes without padding.
        unsafe { &mut *self.memory.base_mut().add(offset).cast() }
    }
}
