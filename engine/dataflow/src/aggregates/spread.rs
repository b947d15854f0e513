//! Variance and standard deviation.
//!
//! 1. Welford's mean and sum of squared distances, put together by the formula of Chan, Golub and LeVeque (1979): no
//!    squares of large numbers are subtracted.
//! 2. The mean carries what rounding took from it, or the distances of many close and large numbers, as prices are, would
//!    lose half of their digits.
//! 3. There is no exact inverse: to take a value out would subtract what rounding has already changed, and what is left
//!    could fall below zero.

use rkyv::Portable;
use tidewire_event::Header;
use tidewire_event::record::{f64_ule, u64_ule};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::value::{Read, Reading, Value};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// Number, mean, and sum of squared distances from the mean.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Moments {
    count: u64_ule,
    mean: f64_ule,
    /// What rounding took from the mean.
    lost: f64_ule,
    squares: f64_ule,
}

/// What is asked of the [`Moments`].
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Of a sample: divided by one less than their number.
    of_sample: bool,
    /// The root of it.
    root: bool,
}

/// See [`var_pop`], [`var_samp`], [`stddev_pop`] and [`stddev_samp`].
#[derive(Debug, Clone, Copy)]
pub struct Spread<R> {
    read: R,
    asked: Asked,
}

macro_rules! spreads {
    ($($(#[$doc:meta])* $name:ident: of_sample $of_sample:expr, root $root:expr;)*) => {$(
        $(#[$doc])*
        /// NaN and infinities make it NaN, and so may numbers whose squares are infinite. Its last digits depend on the
        /// order in which partial results are combined.
        pub fn $name<E, V, F>(value: F) -> Spread<Reading<E, F>>
        where
            V: Value<Plain: Into<f64>>,
            F: Fn(&E) -> V,
        {
            let asked = Asked { of_sample: $of_sample, root: $root };
            Spread { read: Reading::new(value), asked }
        }
    )*};
}

spreads! {
    /// The variance of all there is.
    var_pop: of_sample false, root false;
    /// The variance that a sample lets one expect: of one value there is none.
    var_samp: of_sample true, root false;
    /// The standard deviation of all there is.
    stddev_pop: of_sample false, root true;
    /// The standard deviation that a sample lets one expect: of one value there is none.
    stddev_samp: of_sample true, root true;
}

impl<R: Read<Value: Into<f64>>> Aggregate for Spread<R> {
    type In = R::In;
    type Partial = Moments;
    type Out = Option<f64>;

    #[inline(always)]
    fn lift(&self, _: &Header, event: &R::In) -> Moments {
        let value: Option<f64> = self.read.read(event).map(Into::into);
        let count = u64::from(value.is_some());
        let mean = value.unwrap_or(0.0);
        Moments {
            count: count.into(),
            mean: mean.into(),
            lost: 0.0.into(),
            // An infinity has no distance from itself.
            squares: (0.0 * mean).abs().into(),
        }
    }

    #[inline(always)]
    fn combine(&self, earlier: &Moments, later: &Moments) -> Moments {
        let (a, b) = (earlier.count.to_native(), later.count.to_native());
        if a == 0 {
            return *later;
        }
        if b == 0 {
            return *earlier;
        }
        let count = a.saturating_add(b);
        let share = b as f64 / count as f64;
        let (mean, lost) = (earlier.mean.to_native(), earlier.lost.to_native());
        let apart = (later.mean.to_native() - mean) + (later.lost.to_native() - lost);
        let between = apart * apart * (a as f64 * share);
        let (mean, lost) = two_sum(mean, lost + apart * share);
        Moments {
            count: count.into(),
            mean: mean.into(),
            lost: lost.into(),
            squares: (earlier.squares.to_native() + later.squares.to_native() + between).into(),
        }
    }

    fn lower(&self, _: Window, partial: &Moments) -> Option<f64> {
        let count = partial.count.to_native();
        let divisor = count.checked_sub(self.asked.of_sample.into()).filter(|count| *count != 0)?;
        let variance = partial.squares.to_native() / divisor as f64;
        Some(if self.asked.root { variance.sqrt() } else { variance })
    }
}

/// The sum, and what rounding takes from it (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}
