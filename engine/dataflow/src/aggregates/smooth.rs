//! Averages that move: exponential by count and by time, and weighted by time.
//!
//! 1. [`ema`]: each value moves the average by a fixed share of their distance. A run of values is the map
//!    `average -> decay * average + value`; such maps combine associatively, in the order of the events.
//! 2. [`ema_by_time`]: values weigh by their age, half as much for each half-life. Partial results carry the time that
//!    their weights stand for, so that their order changes no more than the last digits.
//! 3. [`time_weighted`]: a value stands until the next one comes, and the last one to the end of the window. The average
//!    is over the time from the first value to the end of the window: what stood before is not known to the window.

use std::fmt;

use rkyv::Portable;
use tidewire_event::record::{f64_ule, i64_ule};
use tidewire_event::{Header, Record};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::kept::Maybe;
use super::value::{Plain, Read, Reading, Value};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// The share by which a value moves an exponential average.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Alpha(f64);

/// How long it takes until a value weighs half as much, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HalfLife(i64);

/// A parameter that an exponential average can not have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SmoothingOutOfRange {
    /// The share is not in (0, 1].
    Alpha(f64),
    /// The span is not at least 1.
    Span(u32),
    /// The half-life is not at least 1 ns.
    HalfLife(i64),
}

impl fmt::Display for SmoothingOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alpha(alpha) => {
                write!(f, "an alpha of {alpha}: it must be above 0 and at most 1")
            }
            Self::Span(span) => write!(f, "a span of {span} values: it must be at least 1"),
            Self::HalfLife(ns) => write!(f, "a half-life of {ns} ns: it must be at least 1 ns"),
        }
    }
}

impl std::error::Error for SmoothingOutOfRange {}

impl Alpha {
    /// The share `alpha`.
    ///
    /// # Errors
    /// It is not in (0, 1].
    pub fn new(alpha: f64) -> Result<Self, SmoothingOutOfRange> {
        let is_a_share = alpha > 0.0 && alpha <= 1.0;
        is_a_share.then_some(Self(alpha)).ok_or(SmoothingOutOfRange::Alpha(alpha))
    }

    /// The share that is said as a number of values: `2 / (span + 1)`.
    ///
    /// # Errors
    /// The span is 0.
    pub fn of_span(span: u32) -> Result<Self, SmoothingOutOfRange> {
        if span == 0 {
            return Err(SmoothingOutOfRange::Span(span));
        }
        Ok(Self(2.0 / (f64::from(span) + 1.0)))
    }
}

impl HalfLife {
    /// A half-life of `ns`.
    ///
    /// # Errors
    /// It is not at least 1 ns.
    pub fn new(ns: i64) -> Result<Self, SmoothingOutOfRange> {
        (ns > 0).then_some(Self(ns)).ok_or(SmoothingOutOfRange::HalfLife(ns))
    }
}

/// See [`ema`].
#[derive(Debug, Clone, Copy)]
pub struct Ema<R> {
    alpha: Alpha,
    read: R,
}

/// The exponential average by count. It begins with the first value of the window; each later one moves it by `alpha` of
/// their distance. Needs the order of the events.
pub fn ema<E, V, F>(alpha: Alpha, value: F) -> Ema<Reading<E, F>>
where
    V: Value<Plain: Into<f64>>,
    F: Fn(&E) -> V,
{
    Ema { alpha, read: Reading::new(value) }
}

/// A run of values.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Affine {
    /// What is left of an average that stood before it.
    decay: f64_ule,
    /// What it adds.
    value: f64_ule,
    /// The average if nothing stood before it.
    alone: f64_ule,
}

impl<R: Read<Value: Into<f64>>> Aggregate for Ema<R> {
    type In = R::In;
    type Partial = Maybe<Affine>;
    type Out = Option<f64>;

    const IS_ORDERED: bool = true;

    #[inline(always)]
    fn lift(&self, _: &Header, event: &R::In) -> Self::Partial {
        let Alpha(alpha) = self.alpha;
        Maybe::from_option(self.read.read(event).map(|value| {
            let value = value.into();
            Affine {
                decay: (1.0 - alpha).into(),
                value: (alpha * value).into(),
                alone: value.into(),
            }
        }))
    }

    #[inline(always)]
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        earlier.or_both(later, |a, b| {
            let (decay, value) = (b.decay.to_native(), b.value.to_native());
            let left = decay * a.decay.to_native();
            Affine {
                // Subnormal numbers are slow, and say nothing here.
                decay: if left < f64::MIN_POSITIVE { 0.0 } else { left }.into(),
                value: (decay * a.value.to_native() + value).into(),
                alone: (decay * a.alone.to_native() + value).into(),
            }
        })
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Option<f64> {
        partial.get().map(|run| run.alone.to_native())
    }
}

/// See [`ema_by_time`].
#[derive(Debug, Clone, Copy)]
pub struct EmaByTime<R> {
    half_life: HalfLife,
    read: R,
}

/// The exponential average by event time: the average of the values, of which one weighs half as much as another that is
/// one half-life younger. When the window ends does not matter, since all its values have aged alike. Its last digits
/// depend on the order in which partial results are combined.
pub fn ema_by_time<E, V, F>(half_life: HalfLife, value: F) -> EmaByTime<Reading<E, F>>
where
    V: Value<Plain: Into<f64>>,
    F: Fn(&E) -> V,
{
    EmaByTime { half_life, read: Reading::new(value) }
}

/// Weights and weighted values, as they stand at a time.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Weighted {
    ts: i64_ule,
    weight: f64_ule,
    value: f64_ule,
}

impl<R: Read<Value: Into<f64>>> Aggregate for EmaByTime<R> {
    type In = R::In;
    type Partial = Maybe<Weighted>;
    type Out = Option<f64>;

    #[inline(always)]
    fn lift(&self, header: &Header, event: &R::In) -> Self::Partial {
        Maybe::from_option(self.read.read(event).map(|value| {
            let value: f64 = value.into();
            Weighted { ts: header.ts.into(), weight: 1.0.into(), value: value.into() }
        }))
    }

    #[inline(always)]
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        earlier.or_both(later, |a, b| {
            let (old, new) = if a.ts.to_native() <= b.ts.to_native() { (a, b) } else { (b, a) };
            let age = new.ts.to_native().abs_diff(old.ts.to_native());
            let left = halved(age as f64 / self.half_life.0 as f64);
            Weighted {
                ts: new.ts,
                weight: (new.weight.to_native() + left * old.weight.to_native()).into(),
                value: (new.value.to_native() + left * old.value.to_native()).into(),
            }
        })
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Option<f64> {
        partial.get().map(|sums| sums.value.to_native() / sums.weight.to_native())
    }
}

/// What is left of 1 after so many half-lives: `2^-times`, to about 1e-16 of it. Only of operations that IEEE 754 defines
/// to the last bit, so that every host gives the same, as libraries of functions do not.
#[inline]
fn halved(times: f64) -> f64 {
    let whole = times.round();
    if whole > 1022.0 {
        return 0.0;
    }
    // The series of e^x, with |x| <= ln(2) / 2.
    let x = (whole - times) * std::f64::consts::LN_2;
    let fraction = (1..=14).rev().fold(1.0, |sum, n| 1.0 + sum * (x * (1.0 / f64::from(n))));
    fraction * f64::from_bits((1023 - whole as u64) << 52)
}

/// A value that can stand for a time, and the sum of value times time.
pub trait Standing: Plain {
    /// Value times ns.
    type Area: Plain;

    /// What a value makes in `ns`.
    fn over(self, ns: u64) -> Self::Area;

    /// Two areas together.
    fn plus(a: Self::Area, b: Self::Area) -> Self::Area;
}

/// Exact: a value has at most 63 bits and its sign, all the times of one window together at most 64, so no area leaves
/// 128.
impl Standing for i64 {
    type Area = i128;

    #[inline(always)]
    fn over(self, ns: u64) -> i128 {
        i128::from(self) * i128::from(ns)
    }

    #[inline(always)]
    fn plus(a: i128, b: i128) -> i128 {
        a.wrapping_add(b)
    }
}

impl Standing for f64 {
    type Area = Self;

    #[inline(always)]
    fn over(self, ns: u64) -> Self {
        if ns == 0 { 0.0 } else { self * ns as Self }
    }

    #[inline(always)]
    fn plus(a: Self, b: Self) -> Self {
        a + b
    }
}

/// A time-weighted average: exact where the values are whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeWeighted<A> {
    /// The sum of each value times the ns for which it stood.
    pub area: A,
    /// From the first value to the end of the window, ns; at least 1.
    pub duration: u64,
}

impl TimeWeighted<i128> {
    /// The average, rounded.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.area as f64 / self.duration as f64
    }
}

impl TimeWeighted<f64> {
    /// The average.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.area / self.duration as f64
    }
}

/// See [`time_weighted`].
#[derive(Debug, Clone, Copy)]
pub struct TimeWeightedAvg<R>(R);

/// The average of `i64` or `f64` values by the time for which they stood: each until the next, the last until the end of
/// the window. Of values of the same time the last one, by place in the input, stands on; the others stood for no time. A
/// window that ends where its first value stands gives that time's last value, as if it had stood for 1 ns. Needs the
/// order of the events.
pub fn time_weighted<E, V, F>(value: F) -> TimeWeightedAvg<Reading<E, F>>
where
    V: Value<Plain: Standing>,
    F: Fn(&E) -> V,
{
    TimeWeightedAvg(Reading::new(value))
}

/// A run of values, with the area up to the last.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Run<V, A> {
    from: i64_ule,
    to: i64_ule,
    /// What stands from `to` on.
    last: V,
    area: A,
}

impl<V: Record + Unaligned, A: Record + Unaligned> Run<V, A> {
    /// The area up to `end`, and the time.
    fn until<S: Standing<Kept = V, Area: Plain<Kept = A>>>(&self, end: i64) -> (S::Area, u64) {
        let (from, to) = (self.from.to_native(), self.to.to_native());
        let more = S::read(&self.last).over(end.max(to).abs_diff(to));
        (S::plus(S::Area::read(&self.area), more), end.max(to).abs_diff(from))
    }
}

impl<R: Read<Value: Standing>> Aggregate for TimeWeightedAvg<R> {
    type In = R::In;
    type Partial =
        Maybe<Run<<R::Value as Plain>::Kept, <<R::Value as Standing>::Area as Plain>::Kept>>;
    type Out = Option<TimeWeighted<<R::Value as Standing>::Area>>;

    const IS_ORDERED: bool = true;

    #[inline(always)]
    fn lift(&self, header: &Header, event: &R::In) -> Self::Partial {
        let ts = header.ts.into();
        Maybe::from_option(self.0.read(event).map(|value| Run {
            from: ts,
            to: ts,
            last: value.keep(),
            area: value.over(0).keep(),
        }))
    }

    #[inline(always)]
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        earlier.or_both(later, |a, b| {
            let (area, _) = a.until::<R::Value>(b.from.to_native());
            let area = R::Value::plus(area, <R::Value as Standing>::Area::read(&b.area));
            Run { from: a.from, to: b.to, last: b.last, area: area.keep() }
        })
    }

    fn lower(&self, window: Window, partial: &Self::Partial) -> Self::Out {
        partial.get().map(|run| match run.until::<R::Value>(window.end) {
            (_, 0) => TimeWeighted { area: R::Value::read(&run.last).over(1), duration: 1 },
            (area, duration) => TimeWeighted { area, duration },
        })
    }
}
