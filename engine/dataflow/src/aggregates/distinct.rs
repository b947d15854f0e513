//! How many different values there are: exactly, as long as they are few.

use rkyv::Portable;
use tidewire_event::Header;
use tidewire_event::record::{u16_ule, u64_ule};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::VALUE_BYTES_MAX;
use super::value::{Read, Reading, Size, Value, Whole};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// How many different values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DistinctCount {
    /// So many.
    Exact(u64),
    /// More than there was room for.
    MoreThan(u64),
}

/// See [`distinct`].
#[derive(Debug, Clone, Copy)]
pub struct Distinct<R, const N: usize>(R);

/// How many different whole numbers there are, if there are no more than `N`: SQL's `COUNT(DISTINCT x)`, with a bound. It
/// does not depend on the order of anything.
pub fn distinct<const N: usize, E, V, F>(_: Size<N>, value: F) -> Distinct<Reading<E, F>, N>
where
    V: Value<Plain: Whole>,
    F: Fn(&E) -> V,
{
    Distinct(Reading::new(value))
}

/// Different values in ascending order of their bits.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Set<const N: usize> {
    /// How many there are; more than `N` says that they did not fit, and are no longer here.
    len: u16_ule,
    values: [u64_ule; N],
}

impl<const N: usize> Set<N> {
    const EMPTY: Self = Self { len: u16_ule::from_native(0), values: [u64_ule::from_native(0); N] };
    const OVERFULL: Self =
        Self { len: u16_ule::from_native(u16::MAX), values: [u64_ule::from_native(0); N] };

    /// The values, if they fit.
    #[inline]
    fn values(&self) -> Option<&[u64_ule]> {
        self.values.get(..usize::from(self.len.to_native()))
    }

    #[inline]
    fn insert(&mut self, value: u64) {
        let Some(values) = self.values() else { return };
        let Err(at) = values.binary_search_by_key(&value, |value| value.to_native()) else {
            return;
        };
        let len = values.len();
        if len == N {
            *self = Self::OVERFULL;
            return;
        }
        self.values.copy_within(at..len, at + 1);
        self.values[at] = value.into();
        self.len = (len as u16 + 1).into();
    }
}

impl<R: Read<Value: Whole>, const N: usize> Aggregate for Distinct<R, N> {
    type In = R::In;
    type Partial = Set<N>;
    type Out = DistinctCount;

    fn lift(&self, header: &Header, event: &R::In) -> Set<N> {
        const { assert!(size_of::<Set<N>>() <= VALUE_BYTES_MAX, "room for at most 2047 values") };
        let mut set = Set::EMPTY;
        self.insert(&mut set, header, event);
        set
    }

    fn combine(&self, earlier: &Set<N>, later: &Set<N>) -> Set<N> {
        let Some(values) = later.values() else { return Set::OVERFULL };
        let mut whole = *earlier;
        values.iter().for_each(|value| whole.insert(value.to_native()));
        whole
    }

    fn lower(&self, _: Window, partial: &Set<N>) -> DistinctCount {
        match partial.values() {
            Some(values) => DistinctCount::Exact(values.len() as u64),
            None => DistinctCount::MoreThan(N as u64),
        }
    }

    #[inline]
    fn insert(&self, partial: &mut Set<N>, _: &Header, event: &R::In) {
        if let Some(value) = self.0.read(event) {
            partial.insert(value.bits());
        }
    }
}
