//! Several values of a window: the greatest ones, and the first ones.
//!
//! 1. A list has room for a fixed number of values, in order; what does not fit is the greatest by that order.
//! 2. The order is total, so a list is the same however its parts were combined.

use std::fmt;
use std::ops::Deref;

use rkyv::Portable;
use tidewire_event::record::{u16_ule, u64_ule};
use tidewire_event::{Header, Record};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::VALUE_BYTES_MAX;
use super::kept::Placed;
use super::value::{Ordered, Plain, Read, Reading, Size, Value};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// Up to `N` values: a slice of them.
#[derive(Clone, Copy)]
pub struct List<T, const N: usize> {
    len: usize,
    values: [T; N],
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[..self.len]
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: PartialEq, const N: usize> PartialEq for List<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for List<T, N> {}

impl<T: PartialOrd, const N: usize> PartialOrd for List<T, N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (**self).partial_cmp(&**other)
    }
}

impl<T: Ord, const N: usize> Ord for List<T, N> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

/// A list as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct KeptList<T, const N: usize> {
    len: u16_ule,
    items: [T; N],
}

impl<T: Record + Unaligned, const N: usize> KeptList<T, N> {
    fn empty() -> Self {
        const { assert!(N > 0 && size_of::<Self>() + 8 <= VALUE_BYTES_MAX, "a list is too large") };
        Self { len: 0.into(), items: [T::new_zeroed(); N] }
    }

    fn items(&self) -> &[T] {
        &self.items[..usize::from(self.len.to_native()).min(N)]
    }

    /// Puts `item` behind those that it does not stand before. Says whether nothing was left out.
    #[inline]
    fn insert(&mut self, item: T, stands_before: impl Fn(&T, &T) -> bool) -> bool {
        let items = self.items();
        let (len, at) = (items.len(), items.partition_point(|other| !stands_before(&item, other)));
        if at < N {
            self.items.copy_within(at..len.min(N - 1), at + 1);
            self.items[at] = item;
            self.len = ((len + 1).min(N) as u16).into();
        }
        len < N
    }

    /// Puts in every one of `other`, and says how many were left out.
    fn take_in(&mut self, other: &Self, stands_before: impl Fn(&T, &T) -> bool) -> u64 {
        let left_out = other.items().iter().filter(|item| !self.insert(**item, &stands_before));
        left_out.count() as u64
    }

    fn read<V: Plain>(&self, value: impl Fn(&T) -> &V::Kept) -> List<V, N> {
        List {
            len: self.items().len(),
            values: self.items.each_ref().map(|item| V::read(value(item))),
        }
    }
}

/// See [`top`].
#[derive(Debug, Clone, Copy)]
pub struct Top<R, const K: usize>(R);

/// The greatest `K` values, the greatest first. Equal values stand side by side.
pub fn top<const K: usize, E, V, F>(_: Size<K>, value: F) -> Top<Reading<E, F>, K>
where
    V: Value<Plain: Ordered>,
    F: Fn(&E) -> V,
{
    Top(Reading::new(value))
}

fn is_greater<V: Ordered>(a: &V::Kept, b: &V::Kept) -> bool {
    V::read(a).order(&V::read(b)).is_gt()
}

impl<R: Read<Value: Ordered>, const K: usize> Aggregate for Top<R, K> {
    type In = R::In;
    type Partial = KeptList<<R::Value as Plain>::Kept, K>;
    type Out = List<R::Value, K>;

    fn lift(&self, header: &Header, event: &R::In) -> Self::Partial {
        let mut list = KeptList::empty();
        self.insert(&mut list, header, event);
        list
    }

    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        let mut whole = *earlier;
        whole.take_in(later, is_greater::<R::Value>);
        whole
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Self::Out {
        partial.read(|kept| kept)
    }

    #[inline]
    fn insert(&self, partial: &mut Self::Partial, _: &Header, event: &R::In) {
        if let Some(value) = self.0.read(event) {
            partial.insert(value.canonical().keep(), is_greater::<R::Value>);
        }
    }
}

/// The first values of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed<T, const N: usize> {
    /// The values, in the order of event time and then of the places in the input.
    pub values: List<T, N>,
    /// How many came after them and did not fit.
    pub more: u64,
}

/// See [`list`].
#[derive(Debug, Clone, Copy)]
pub struct FirstValues<R, const N: usize>(R);

/// The first `N` values, in the order of event time and then of the places in the input.
pub fn list<const N: usize, E, V, F>(_: Size<N>, value: F) -> FirstValues<Reading<E, F>, N>
where
    V: Value,
    F: Fn(&E) -> V,
{
    FirstValues(Reading::new(value))
}

/// A list as it is kept, and how many did not fit.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct KeptListed<T, const N: usize> {
    more: u64_ule,
    list: KeptList<Placed<T>, N>,
}

fn is_earlier<T>(a: &Placed<T>, b: &Placed<T>) -> bool {
    a.stand.order() < b.stand.order()
}

impl<R: Read, const N: usize> Aggregate for FirstValues<R, N> {
    type In = R::In;
    type Partial = KeptListed<<R::Value as Plain>::Kept, N>;
    type Out = Listed<R::Value, N>;

    fn lift(&self, header: &Header, event: &R::In) -> Self::Partial {
        let mut listed = KeptListed { more: 0.into(), list: KeptList::empty() };
        self.insert(&mut listed, header, event);
        listed
    }

    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        let mut list = earlier.list;
        let left_out = list.take_in(&later.list, is_earlier);
        let more = earlier.more.to_native().saturating_add(later.more.to_native());
        KeptListed { more: more.saturating_add(left_out).into(), list }
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Self::Out {
        Listed { values: partial.list.read(|placed| &placed.value), more: partial.more.to_native() }
    }

    #[inline]
    fn insert(&self, partial: &mut Self::Partial, header: &Header, event: &R::In) {
        if let Some(value) = self.0.read(event)
            && !partial.list.insert(Placed::of(header, value), is_earlier)
        {
            partial.more = partial.more.to_native().saturating_add(1).into();
        }
    }
}
