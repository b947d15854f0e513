//! Counts, sums and averages.
//!
//! 1. Sums of whole numbers are exact, in 128 bits, and have an inverse.
//! 2. Sums of floating-point numbers carry the part that rounding took (Neumaier 1974), which makes them as good as sums
//!    of twice the precision. Their last digit still depends on the order in which partial results are combined, and
//!    they have no inverse: what rounding took once does not come back.

use std::marker::PhantomData;

use rkyv::Portable;
use tidewire_event::Header;
use tidewire_event::record::{f64_ule, i128_ule, u64_ule};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::value::{Read, Reading, Value, Whole};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// See [`count`].
#[derive(Debug)]
pub struct Count<E>(PhantomData<fn(&E)>);

impl<E> Clone for Count<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Count<E> {}

/// How many events there are: SQL's `COUNT(*)`.
#[must_use]
pub fn count<E>() -> Count<E> {
    Count(PhantomData)
}

impl<E> Aggregate for Count<E> {
    type In = E;
    type Partial = u64_ule;
    type Out = u64;

    const HAS_INVERSE: bool = true;

    #[inline(always)]
    fn lift(&self, _: &Header, _: &E) -> u64_ule {
        1.into()
    }

    #[inline(always)]
    fn combine(&self, earlier: &u64_ule, later: &u64_ule) -> u64_ule {
        earlier.to_native().wrapping_add(later.to_native()).into()
    }

    #[inline(always)]
    fn remove(&self, whole: &u64_ule, part: &u64_ule) -> u64_ule {
        whole.to_native().wrapping_sub(part.to_native()).into()
    }

    fn lower(&self, _: Window, partial: &u64_ule) -> u64 {
        partial.to_native()
    }
}

/// See [`count_of`].
#[derive(Debug, Clone, Copy)]
pub struct CountOf<R>(R);

/// How many events have a value: SQL's `COUNT(x)`.
pub fn count_of<E, V: Value, F: Fn(&E) -> V>(value: F) -> CountOf<Reading<E, F>> {
    CountOf(Reading::new(value))
}

impl<R: Read> Aggregate for CountOf<R> {
    type In = R::In;
    type Partial = u64_ule;
    type Out = u64;

    const HAS_INVERSE: bool = true;

    #[inline(always)]
    fn lift(&self, _: &Header, event: &R::In) -> u64_ule {
        u64::from(self.0.read(event).is_some()).into()
    }

    #[inline(always)]
    fn combine(&self, earlier: &u64_ule, later: &u64_ule) -> u64_ule {
        earlier.to_native().wrapping_add(later.to_native()).into()
    }

    #[inline(always)]
    fn remove(&self, whole: &u64_ule, part: &u64_ule) -> u64_ule {
        whole.to_native().wrapping_sub(part.to_native()).into()
    }

    fn lower(&self, _: Window, partial: &u64_ule) -> u64 {
        partial.to_native()
    }
}

/// The sum and the number of whole numbers.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Total {
    sum: i128_ule,
    count: u64_ule,
}

impl Total {
    #[inline(always)]
    fn of(value: Option<impl Into<i128>>) -> Self {
        let count = u64::from(value.is_some()).into();
        Self { sum: value.map_or(0, Into::into).into(), count }
    }

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        Self {
            sum: self.sum.to_native().wrapping_add(other.sum.to_native()).into(),
            count: self.count.to_native().wrapping_add(other.count.to_native()).into(),
        }
    }

    #[inline(always)]
    fn minus(&self, other: &Self) -> Self {
        Self {
            sum: self.sum.to_native().wrapping_sub(other.sum.to_native()).into(),
            count: self.count.to_native().wrapping_sub(other.count.to_native()).into(),
        }
    }
}

/// An exact average: a sum and a number that is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Average {
    /// The sum of the values.
    pub sum: i128,
    /// How many there were.
    pub count: u64,
}

impl Average {
    /// The average as a whole number, cut toward zero: Flink's `AVG(BIGINT)`.
    #[must_use]
    pub fn truncated(&self) -> i128 {
        self.sum.checked_div(self.count.into()).unwrap_or(0)
    }

    /// The average, rounded.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

/// See [`sum`].
#[derive(Debug, Clone, Copy)]
pub struct Sum<R>(R);

/// The sum of whole numbers, exact. Flink's `SUM(BIGINT)` wraps silently; this one has 128 bits.
pub fn sum<E, V, F>(value: F) -> Sum<Reading<E, F>>
where
    V: Value<Plain: Whole>,
    F: Fn(&E) -> V,
{
    Sum(Reading::new(value))
}

/// See [`avg`].
#[derive(Debug, Clone, Copy)]
pub struct Avg<R>(R);

/// The average of whole numbers, exact.
pub fn avg<E, V, F>(value: F) -> Avg<Reading<E, F>>
where
    V: Value<Plain: Whole>,
    F: Fn(&E) -> V,
{
    Avg(Reading::new(value))
}

macro_rules! of_totals {
    ($($name:ident, $out:ty, $sum:ident, $count:ident => $answer:expr;)*) => {$(
        impl<R: Read<Value: Whole>> Aggregate for $name<R> {
            type In = R::In;
            type Partial = Total;
            type Out = Option<$out>;

            const HAS_INVERSE: bool = true;

            #[inline(always)]
            fn lift(&self, _: &Header, event: &R::In) -> Total {
                Total::of(self.0.read(event))
            }

            #[inline(always)]
            fn combine(&self, earlier: &Total, later: &Total) -> Total {
                earlier.plus(later)
            }

            #[inline(always)]
            fn remove(&self, whole: &Total, part: &Total) -> Total {
                whole.minus(part)
            }

            fn lower(&self, _: Window, partial: &Total) -> Self::Out {
                let ($sum, $count) = (partial.sum.to_native(), partial.count.to_native());
                ($count != 0).then_some($answer)
            }
        }
    )*};
}

of_totals! {
    Sum, i128, sum, count => sum;
    Avg, Average, sum, count => Average { sum, count };
}

/// The sum and the number of floating-point numbers.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Compensated {
    sum: f64_ule,
    /// What rounding took from the sum.
    lost: f64_ule,
    count: u64_ule,
}

impl Compensated {
    #[inline(always)]
    fn of(value: Option<f64>) -> Self {
        let count = u64::from(value.is_some()).into();
        Self { sum: value.unwrap_or(0.0).into(), lost: 0.0.into(), count }
    }

    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        let (a, b) = (self.sum.to_native(), other.sum.to_native());
        let sum = a + b;
        let lost = if a.abs() >= b.abs() { (a - sum) + b } else { (b - sum) + a };
        Self {
            sum: sum.into(),
            lost: (self.lost.to_native() + other.lost.to_native() + lost).into(),
            count: self.count.to_native().wrapping_add(other.count.to_native()).into(),
        }
    }

    fn total(&self) -> Option<f64> {
        let sum = self.sum.to_native();
        // Of an infinity, rounding took nothing that could be said.
        let sum = if sum.is_finite() { sum + self.lost.to_native() } else { sum };
        (self.count.to_native() != 0).then_some(sum)
    }
}

/// See [`sum_f64`].
#[derive(Debug, Clone, Copy)]
pub struct SumF64<R>(R);

/// The sum of floating-point numbers. NaN makes it NaN, infinities add up as IEEE 754 says, and a sum that has left the
/// finite numbers does not come back. Its last digit depends on the order in which partial results are combined, which
/// is the order of arrival: where that is not the same in every run, sum whole numbers.
pub fn sum_f64<E, V, F>(value: F) -> SumF64<Reading<E, F>>
where
    V: Value<Plain: Into<f64>>,
    F: Fn(&E) -> V,
{
    SumF64(Reading::new(value))
}

/// See [`avg_f64`].
#[derive(Debug, Clone, Copy)]
pub struct AvgF64<R>(R);

/// The average of floating-point numbers: [`sum_f64`] by their number, with all that is said there.
pub fn avg_f64<E, V, F>(value: F) -> AvgF64<Reading<E, F>>
where
    V: Value<Plain: Into<f64>>,
    F: Fn(&E) -> V,
{
    AvgF64(Reading::new(value))
}

macro_rules! of_compensated {
    ($($name:ident, $partial:ident => $answer:expr;)*) => {$(
        impl<R: Read<Value: Into<f64>>> Aggregate for $name<R> {
            type In = R::In;
            type Partial = Compensated;
            type Out = Option<f64>;

            #[inline(always)]
            fn lift(&self, _: &Header, event: &R::In) -> Compensated {
                Compensated::of(self.0.read(event).map(Into::into))
            }

            #[inline(always)]
            fn combine(&self, earlier: &Compensated, later: &Compensated) -> Compensated {
                earlier.plus(later)
            }

            fn lower(&self, _: Window, $partial: &Compensated) -> Option<f64> {
                $answer
            }
        }
    )*};
}

of_compensated! {
    SumF64, partial => partial.total();
    AvgF64, partial => partial.total().map(|sum| sum / partial.count.to_native() as f64);
}
