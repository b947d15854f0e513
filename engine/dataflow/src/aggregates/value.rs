//! How an aggregate reads a value from an event, and how it keeps it.
//!
//! 1. A reading function gives a plain value, or an `Option` of one, whose `None` is SQL's NULL.
//! 2. A plain value is kept as a record of alignment 1, so that every partial result can lie inside another record.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;

use tidewire_event::Record;
use tidewire_event::record::{
    f32_ule, f64_ule, i16_ule, i32_ule, i64_ule, i128_ule, u16_ule, u32_ule, u64_ule, u128_ule,
};
use zerocopy::Unaligned;

/// A value that can be kept: a whole number, a floating-point number, a name of a fixed length.
pub trait Plain: Copy {
    /// How it is kept.
    type Kept: Record + Unaligned;

    /// The value as it is kept.
    fn keep(self) -> Self::Kept;

    /// The value that is kept.
    fn read(kept: &Self::Kept) -> Self;
}

/// What a reading function gives: a [`Plain`] value or an `Option` of one.
pub trait Value {
    /// The value where it is there.
    type Plain: Plain;

    /// The value, if it is there.
    fn plain(self) -> Option<Self::Plain>;
}

impl<T: Plain> Value for Option<T> {
    type Plain = T;

    #[inline(always)]
    fn plain(self) -> Self {
        self
    }
}

/// A value with a total order. Values of which neither is less than the other have the same bits.
pub trait Ordered: Plain {
    /// How the two stand.
    fn order(&self, other: &Self) -> Ordering;

    /// The one of the values that stand alike that is kept.
    #[must_use]
    fn canonical(self) -> Self {
        self
    }
}

macro_rules! plain {
    ([$($generics:tt)*] $native:ty, $kept:ty, $value:ident => $keep:expr, $stored:ident => $read:expr) => {
        impl<$($generics)*> Plain for $native {
            type Kept = $kept;

            #[inline(always)]
            fn keep(self) -> $kept {
                let $value = self;
                $keep
            }

            #[inline(always)]
            fn read($stored: &$kept) -> Self {
                $read
            }
        }

        impl<$($generics)*> Value for $native {
            type Plain = Self;

            #[inline(always)]
            fn plain(self) -> Option<Self> {
                Some(self)
            }
        }
    };
}

macro_rules! ordered {
    ([$($generics:tt)*] $native:ty) => {
        impl<$($generics)*> Ordered for $native {
            #[inline(always)]
            fn order(&self, other: &Self) -> Ordering {
                self.cmp(other)
            }
        }
    };
}

macro_rules! numbers {
    ($($native:ty as $kept:ty),*) => {$(
        plain!([] $native, $kept, value => <$kept>::from_native(value), kept => kept.to_native());
    )*};
}

numbers!(
    i16 as i16_ule,
    i32 as i32_ule,
    i64 as i64_ule,
    i128 as i128_ule,
    u16 as u16_ule,
    u32 as u32_ule,
    u64 as u64_ule,
    u128 as u128_ule,
    f32 as f32_ule,
    f64 as f64_ule
);
plain!([] i8, i8, value => value, kept => *kept);
plain!([] u8, u8, value => value, kept => *kept);
plain!([const N: usize] [u8; N], [u8; N], value => value, kept => *kept);

ordered!([] i8);
ordered!([] i16);
ordered!([] i32);
ordered!([] i64);
ordered!([] i128);
ordered!([] u8);
ordered!([] u16);
ordered!([] u32);
ordered!([] u64);
ordered!([] u128);
ordered!([const N: usize] [u8; N]);

macro_rules! ordered_floats {
    ($($native:ty),*) => {$(
        /// NaN is greater than every number, and all NaN are alike, as PostgreSQL and Spark have it; -0 is less than 0.
        impl Ordered for $native {
            #[inline(always)]
            fn order(&self, other: &Self) -> Ordering {
                self.canonical().total_cmp(&other.canonical())
            }

            #[inline(always)]
            fn canonical(self) -> Self {
                if self.is_nan() { Self::NAN } else { self }
            }
        }
    )*};
}

ordered_floats!(f32, f64);

/// A whole number whose sums are exact in 128 bits: every one of up to 64 bits. A sum of 64-bit numbers leaves 128 bits
/// after 2^63 of them at the earliest.
pub trait Whole: Plain + Into<i128> {
    /// Other bits for another value of the type.
    fn bits(self) -> u64;
}

macro_rules! whole {
    ($($native:ty),*) => {$(
        impl Whole for $native {
            #[inline(always)]
            fn bits(self) -> u64 {
                self as u64
            }
        }
    )*};
}

whole!(i8, i16, i32, i64, u8, u16, u32, u64);

/// Reads a value from an event: what an aggregate is built on.
pub trait Read {
    /// An event.
    type In;
    /// A value.
    type Value: Plain;

    /// The value of an event, or `None` for NULL.
    fn read(&self, event: &Self::In) -> Option<Self::Value>;
}

/// A function of the user's as a [`Read`].
pub struct Reading<E, F> {
    function: F,
    event: PhantomData<fn(&E)>,
}

impl<E, F> Reading<E, F> {
    pub(super) fn new(function: F) -> Self {
        Self { function, event: PhantomData }
    }
}

impl<E, F: Clone> Clone for Reading<E, F> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone())
    }
}

impl<E, F: Copy> Copy for Reading<E, F> {}

impl<E, F> fmt::Debug for Reading<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").finish_non_exhaustive()
    }
}

impl<E, V: Value, F: Fn(&E) -> V> Read for Reading<E, F> {
    type In = E;
    type Value = V::Plain;

    #[inline(always)]
    fn read(&self, event: &E) -> Option<V::Plain> {
        (self.function)(event).plain()
    }
}

/// How many values, buckets or registers an aggregate keeps, as an argument: `top(Size::<3>, ..)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size<const N: usize>;
