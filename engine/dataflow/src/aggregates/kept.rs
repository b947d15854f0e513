//! The records that several partial results are made of. What is not in use is zero, so that equal results are equal
//! bytes.

use rkyv::Portable;
use tidewire_event::record::{i64_ule, u64_ule, u128_ule};
use tidewire_event::{Header, Record};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::value::Plain;

/// A value that may be absent.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Maybe<T> {
    is_some: u8,
    value: T,
}

impl<T: Record + Unaligned> Maybe<T> {
    #[inline(always)]
    pub(super) fn from_option(value: Option<T>) -> Self {
        match value {
            Some(value) => Self { is_some: 1, value },
            None => Self { is_some: 0, value: T::new_zeroed() },
        }
    }

    #[inline(always)]
    pub(super) fn get(&self) -> Option<&T> {
        (self.is_some != 0).then_some(&self.value)
    }

    /// The one that `choose` makes of two, or the one that is there.
    #[inline(always)]
    pub(super) fn or_both(&self, other: &Self, choose: impl FnOnce(&T, &T) -> T) -> Self {
        match (self.get(), other.get()) {
            (Some(a), Some(b)) => Self::from_option(Some(choose(a, b))),
            (_, None) => *self,
            (None, _) => *other,
        }
    }
}

/// Where an event stands: its time, then its place in the input. No two events stand alike.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Stand {
    ts: i64_ule,
    place: u64_ule,
}

impl Stand {
    #[inline(always)]
    pub(super) fn of(header: &Header) -> Self {
        Self { ts: header.ts.into(), place: header.place.to_bits().into() }
    }

    #[inline(always)]
    pub(super) fn order(&self) -> (i64, u64) {
        (self.ts.to_native(), self.place.to_native())
    }
}

/// A value and where its event stands.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Placed<T> {
    pub(super) stand: Stand,
    pub(super) value: T,
}

impl<T: Record + Unaligned> Placed<T> {
    #[inline(always)]
    pub(super) fn of<V: Plain<Kept = T>>(header: &Header, value: V) -> Self {
        Self { stand: Stand::of(header), value: value.keep() }
    }

    #[inline(always)]
    pub(super) fn first(&self, other: &Self) -> Self {
        if other.stand.order() < self.stand.order() { *other } else { *self }
    }

    #[inline(always)]
    pub(super) fn last(&self, other: &Self) -> Self {
        if other.stand.order() >= self.stand.order() { *other } else { *self }
    }
}

/// A sum of products in 192 bits, two's complement: 2^65 products of 64-bit numbers fit. Additions form a group, so that
/// what is taken out leaves what would have been there without it.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Wide {
    low: u128_ule,
    high: i64_ule,
}

impl Wide {
    #[inline(always)]
    pub(super) fn of(value: i128) -> Self {
        Self::from_parts(value as u128, (value >> 127) as i64)
    }

    #[inline(always)]
    fn from_parts(low: u128, high: i64) -> Self {
        Self { low: low.into(), high: high.into() }
    }

    #[inline(always)]
    pub(super) fn plus(&self, other: &Self) -> Self {
        let (low, carries) = self.low.to_native().overflowing_add(other.low.to_native());
        let high = self.high.to_native().wrapping_add(other.high.to_native());
        Self::from_parts(low, high.wrapping_add(carries.into()))
    }

    #[inline(always)]
    pub(super) fn minus(&self, other: &Self) -> Self {
        let (low, borrows) = self.low.to_native().overflowing_sub(other.low.to_native());
        let high = self.high.to_native().wrapping_sub(other.high.to_native());
        Self::from_parts(low, high.wrapping_sub(borrows.into()))
    }

    /// The sum, or the end of the range of `i128` that it lies behind.
    pub(super) fn saturated(&self) -> i128 {
        let (low, high) = (self.low.to_native() as i128, self.high.to_native());
        if (low >> 127) as i64 == high {
            low
        } else if high < 0 {
            i128::MIN
        } else {
            i128::MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_sum_comes_back_from_behind_the_ends() {
        for extreme in [i128::MAX, i128::MIN] {
            let once = Wide::of(extreme);
            let twice = once.plus(&once);
            assert_eq!(once.saturated(), extreme);
            assert_eq!(twice.saturated(), extreme);
            assert_eq!(twice.minus(&once).saturated(), extreme);
            assert_eq!(twice.minus(&once).as_bytes(), once.as_bytes());
        }
        assert_eq!(Wide::of(i128::MIN).plus(&Wide::of(i128::MAX)).saturated(), -1);
        assert_eq!(Wide::of(-5).plus(&Wide::of(7)).minus(&Wide::of(3)).saturated(), -1);
    }
}
