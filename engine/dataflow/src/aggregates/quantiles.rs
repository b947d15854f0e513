//! Quantiles with a bounded relative error: DDSketch (Masson, Rim, Lee 2019, arXiv:1908.10693).
//!
//! 1. Values are counted in buckets whose ends lie a fixed ratio apart; a quantile is answered with a value in the middle
//!    of its bucket, at most `accuracy` of the true value away from it. Negative values have buckets of their own, and
//!    zero has one.
//! 2. Each sign has `B` buckets, side by side, below the greatest magnitude so far. What lies further down is counted in
//!    the lowest of them: quantiles that fall there are said too large in magnitude, all others keep their accuracy.
//! 3. A sketch is a function of the values alone: in any order, merged or not, the bytes are the same.
//! 4. Buckets are numbered by a logarithm that is interpolated by a parabola between powers of two, as the paper proposes.
//!    It takes 8 % more buckets than the exact one, and only operations that IEEE 754 defines to the last bit, so every
//!    host numbers alike.

use std::fmt;

use rkyv::Portable;
use tidewire_event::Header;
use tidewire_event::record::{i32_ule, u64_ule};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::VALUE_BYTES_MAX;
use super::value::{Read, Reading, Size, Value};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// How far from the true quantile an answer may lie, as a share of it, and the buckets that it takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    relative: f64,
    /// Buckets from one power of two to the next.
    per_octave: f64,
}

/// An accuracy that is not in [0.000001, 0.5].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AccuracyOutOfRange(pub f64);

impl fmt::Display for AccuracyOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a relative accuracy of {}: it must lie from 0.000001 to 0.5", self.0)
    }
}

impl std::error::Error for AccuracyOutOfRange {}

impl Accuracy {
    /// Answers at most `relative` of the true value away: 0.01 for 1 %.
    ///
    /// # Errors
    /// It is not in [0.000001, 0.5].
    pub fn new(relative: f64) -> Result<Self, AccuracyOutOfRange> {
        if !(0.000_001..=0.5).contains(&relative) {
            return Err(AccuracyOutOfRange(relative));
        }
        // The ends of a bucket may have the ratio (1 + a) / (1 - a), of which this series is the logarithm.
        let square = relative * relative;
        let series = (0..40).rev().fold(0.0, |sum, n| sum * square + 1.0 / f64::from(2 * n + 1));
        let ratio_ln = 2.0 * relative * series;
        // The parabola rises by 4/3 at least while the logarithm rises by 1. A millionth more buckets leave room for
        // rounding.
        Ok(Self { relative, per_octave: 0.75 / ratio_ln * 1.000_001 })
    }

    /// The share of the true value that an answer may lie away from it.
    #[must_use]
    pub fn relative(&self) -> f64 {
        self.relative
    }

    /// The bucket of a normal positive number.
    #[inline]
    fn bucket_of(&self, magnitude: f64) -> i32 {
        let bits = magnitude.to_bits();
        let exponent = (bits >> 52) as i32 - 1023;
        let above = f64::from_bits(bits & MANTISSA | 1.0_f64.to_bits()) - 1.0;
        let log = f64::from(exponent) + above * (4.0 - above) / 3.0;
        (log * self.per_octave).ceil() as i32
    }

    /// The upper end of a bucket.
    fn end_of(&self, bucket: f64) -> f64 {
        let log = (bucket / self.per_octave).max(-1022.0);
        if log >= 1024.0 {
            return f64::MAX;
        }
        let above = 2.0 - (4.0 - 3.0 * (log - log.floor())).sqrt();
        (1.0 + above) * f64::from_bits(((log.floor() + 1023.0) as u64) << 52)
    }

    /// The value that is equally far from both ends of a bucket, as shares of them.
    fn middle_of(&self, bucket: i32) -> f64 {
        let bucket = f64::from(bucket);
        let (low, high) = (self.end_of(bucket - 1.0), self.end_of(bucket));
        low / (0.5 + 0.5 * (low / high))
    }
}

const MANTISSA: u64 = (1 << 52) - 1;

/// See [`quantiles`].
#[derive(Debug, Clone, Copy)]
pub struct Quantiles<R, const B: usize, const Q: usize> {
    accuracy: Accuracy,
    asked: [f64; Q],
    read: R,
}

/// The quantiles `asked`, from 0 (the least) to 1 (the greatest; what lies outside is taken as the nearer of the two): of
/// `n` values in order, number `floor(q * (n - 1))` from 0. Each is at most `accuracy` of its value away from it, unless
/// it fell below the lowest of the `B` buckets of its sign: `B` is at most 1022, and they take 16 bytes each.
///
/// | accuracy | buckets | from the greatest down to |
/// | --- | --- | --- |
/// | 1 % | 256 | 1/110 |
/// | 1 % | 512 | 1/12,000 |
/// | 1 % | 1000 | 1/90,000,000 |
/// | 2 % | 512 | 1/150,000,000 |
///
/// NaN is skipped, as NULL is. Infinities are counted, and answered as they are. Numbers nearer to zero than the least
/// normal one (2.2e-308) are zero.
pub fn quantiles<const B: usize, const Q: usize, E, V, F>(
    _: Size<B>,
    accuracy: Accuracy,
    asked: [f64; Q],
    value: F,
) -> Quantiles<Reading<E, F>, B, Q>
where
    V: Value<Plain: Into<f64>>,
    F: Fn(&E) -> V,
{
    Quantiles { accuracy, asked, read: Reading::new(value) }
}

/// Counts of the values of one sign. Bucket `i` lies at `i mod B`, for the `B` buckets up to `top`.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct Buckets<const B: usize> {
    /// The greatest bucket; `i32::MIN` while there is none.
    top: i32_ule,
    counts: [u64_ule; B],
}

impl<const B: usize> Buckets<B> {
    const EMPTY: Self =
        Self { top: i32_ule::from_native(i32::MIN), counts: [u64_ule::from_native(0); B] };

    fn at(bucket: i64) -> usize {
        bucket.rem_euclid(B as i64) as usize
    }

    /// The lowest bucket.
    fn floor(&self) -> i64 {
        i64::from(self.top.to_native()) - (B as i64 - 1)
    }

    #[inline]
    fn count(&mut self, bucket: i32, more: u64) {
        if bucket > self.top.to_native() {
            self.raise(bucket);
        }
        let count = &mut self.counts[Self::at(i64::from(bucket).max(self.floor()))];
        *count = count.to_native().saturating_add(more).into();
    }

    /// Makes `top` the greatest bucket: those that are now too low go into the lowest that is left.
    #[cold]
    fn raise(&mut self, top: i32) {
        let (floor, end) = (self.floor(), i64::from(self.top.to_native()) + 1);
        self.top = top.into();
        let mut collapsed = 0_u64;
        for bucket in floor..end.min(self.floor()) {
            let count = std::mem::replace(&mut self.counts[Self::at(bucket)], 0.into());
            collapsed = collapsed.saturating_add(count.to_native());
        }
        let lowest = &mut self.counts[Self::at(self.floor())];
        *lowest = lowest.to_native().saturating_add(collapsed).into();
    }

    /// Buckets with their counts, from the lowest up.
    fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        let top = self.top.to_native();
        let buckets = if top == i32::MIN { 0 } else { B as i32 };
        let below = (0..buckets).rev().map(move |below| top.saturating_sub(below));
        below.map(|bucket| (bucket, self.counts[Self::at(bucket.into())].to_native()))
    }

    fn take_in(&mut self, other: &Self) {
        for (bucket, count) in other.iter().rev() {
            if count > 0 {
                self.count(bucket, count);
            }
        }
    }
}

/// The counts of everything.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Sketch<const B: usize> {
    negative_infinities: u64_ule,
    zeros: u64_ule,
    infinities: u64_ule,
    negative: Buckets<B>,
    positive: Buckets<B>,
}

impl<const B: usize> Sketch<B> {
    const EMPTY: Self = Self {
        negative_infinities: u64_ule::from_native(0),
        zeros: u64_ule::from_native(0),
        infinities: u64_ule::from_native(0),
        negative: Buckets::EMPTY,
        positive: Buckets::EMPTY,
    };

    #[inline]
    fn insert(&mut self, accuracy: &Accuracy, value: f64) {
        if value.is_normal() {
            let bucket = accuracy.bucket_of(value.abs());
            let buckets = if value < 0.0 { &mut self.negative } else { &mut self.positive };
            buckets.count(bucket, 1);
        } else if value.is_finite() {
            add(&mut self.zeros, 1);
        } else if !value.is_nan() {
            let is_negative = value < 0.0;
            add(if is_negative { &mut self.negative_infinities } else { &mut self.infinities }, 1);
        }
    }

    fn take_in(&mut self, other: &Self) {
        add(&mut self.negative_infinities, other.negative_infinities.to_native());
        add(&mut self.zeros, other.zeros.to_native());
        add(&mut self.infinities, other.infinities.to_native());
        self.negative.take_in(&other.negative);
        self.positive.take_in(&other.positive);
    }

    /// Where values lie, with their counts, in ascending order.
    fn iter(&self) -> impl Iterator<Item = (Place, u64)> {
        let negative = self.negative.iter().rev();
        let negative = negative.map(|(bucket, count)| (Place::Negative(bucket), count));
        let positive = self.positive.iter();
        let positive = positive.map(|(bucket, count)| (Place::Positive(bucket), count));
        let at = |value, count: &u64_ule| [(Place::At(value), count.to_native())].into_iter();
        let all = at(f64::NEG_INFINITY, &self.negative_infinities).chain(negative);
        all.chain(at(0.0, &self.zeros)).chain(positive).chain(at(f64::INFINITY, &self.infinities))
    }

    fn quantiles<const Q: usize>(&self, accuracy: &Accuracy, asked: &[f64; Q]) -> Option<[f64; Q]> {
        let count = self.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(count));
        let last = count.checked_sub(1)?;
        Some(asked.map(|q| {
            let rank = ((q.clamp(0.0, 1.0) * last as f64) as u64).min(last);
            let mut below = 0_u64;
            let found = self.iter().find(|(_, count)| {
                below = below.saturating_add(*count);
                below > rank
            });
            match found {
                Some((Place::Negative(bucket), _)) => -accuracy.middle_of(bucket),
                Some((Place::Positive(bucket), _)) => accuracy.middle_of(bucket),
                Some((Place::At(value), _)) => value,
                None => f64::NAN,
            }
        }))
    }
}

/// Where a value lies.
#[derive(Clone, Copy)]
enum Place {
    Negative(i32),
    Positive(i32),
    At(f64),
}

#[inline]
fn add(count: &mut u64_ule, more: u64) {
    *count = count.to_native().saturating_add(more).into();
}

impl<R: Read<Value: Into<f64>>, const B: usize, const Q: usize> Aggregate for Quantiles<R, B, Q> {
    type In = R::In;
    type Partial = Sketch<B>;
    type Out = Option<[f64; Q]>;

    fn lift(&self, header: &Header, event: &R::In) -> Sketch<B> {
        const { assert!(B > 0 && size_of::<Sketch<B>>() <= VALUE_BYTES_MAX, "1 to 1022 buckets") };
        let mut sketch = Sketch::EMPTY;
        self.insert(&mut sketch, header, event);
        sketch
    }

    fn combine(&self, earlier: &Sketch<B>, later: &Sketch<B>) -> Sketch<B> {
        let mut whole = *earlier;
        whole.take_in(later);
        whole
    }

    fn lower(&self, _: Window, partial: &Sketch<B>) -> Self::Out {
        partial.quantiles(&self.accuracy, &self.asked)
    }

    #[inline]
    fn insert(&self, partial: &mut Sketch<B>, _: &Header, event: &R::In) {
        if let Some(value) = self.read.read(event) {
            partial.insert(&self.accuracy, value.into());
        }
    }
}
