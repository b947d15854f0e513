//! Prices and volumes: VWAP, and bars of open, high, low, close and volume.
//!
//! 1. An event counts where it has both a price and a volume; one without either is skipped.
//! 2. All is exact: a VWAP is kept, and given, as what was paid and what was traded.

use rkyv::Portable;
use tidewire_event::Header;
use tidewire_event::record::{i128_ule, u64_ule};
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

use super::kept::{Maybe, Placed, Wide};
use super::value::{Ordered, Plain, Read, Reading, Value, Whole};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// A volume-weighted average price, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vwap {
    /// The sum of price times volume. One that does not fit stands at the end of the range: with prices in units of 1e-9
    /// that is after 1.7e29 units of money.
    pub notional: i128,
    /// The sum of the volumes.
    pub volume: i128,
}

impl Vwap {
    /// The price, in the prices' unit, rounded; `None` where the volumes sum to zero.
    #[must_use]
    pub fn to_f64(&self) -> Option<f64> {
        (self.volume != 0).then(|| self.notional as f64 / self.volume as f64)
    }
}

/// See [`vwap`].
#[derive(Debug, Clone, Copy)]
pub struct VolumeWeighted<P, Q> {
    price: P,
    volume: Q,
}

/// The volume-weighted average price, of whole numbers.
pub fn vwap<E, V, W, F, G>(price: F, volume: G) -> VolumeWeighted<Reading<E, F>, Reading<E, G>>
where
    V: Value<Plain: Into<i64>>,
    W: Value<Plain: Into<i64>>,
    F: Fn(&E) -> V,
    G: Fn(&E) -> W,
{
    VolumeWeighted { price: Reading::new(price), volume: Reading::new(volume) }
}

/// What was paid and what was traded.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct Paid {
    notional: Wide,
    volume: i128_ule,
    count: u64_ule,
}

impl<P, Q> Aggregate for VolumeWeighted<P, Q>
where
    P: Read<Value: Into<i64>>,
    Q: Read<In = P::In, Value: Into<i64>>,
{
    type In = P::In;
    type Partial = Paid;
    type Out = Option<Vwap>;

    const HAS_INVERSE: bool = true;

    #[inline(always)]
    fn lift(&self, _: &Header, event: &P::In) -> Paid {
        let both = self.price.read(event).zip(self.volume.read(event));
        let (price, volume) = both.map_or((0, 0), |(price, volume)| (price.into(), volume.into()));
        Paid {
            notional: Wide::of(i128::from(price) * i128::from(volume)),
            volume: i128::from(volume).into(),
            count: u64::from(both.is_some()).into(),
        }
    }

    #[inline(always)]
    fn combine(&self, earlier: &Paid, later: &Paid) -> Paid {
        Paid {
            notional: earlier.notional.plus(&later.notional),
            volume: earlier.volume.to_native().wrapping_add(later.volume.to_native()).into(),
            count: earlier.count.to_native().wrapping_add(later.count.to_native()).into(),
        }
    }

    #[inline(always)]
    fn remove(&self, whole: &Paid, part: &Paid) -> Paid {
        Paid {
            notional: whole.notional.minus(&part.notional),
            volume: whole.volume.to_native().wrapping_sub(part.volume.to_native()).into(),
            count: whole.count.to_native().wrapping_sub(part.count.to_native()).into(),
        }
    }

    fn lower(&self, _: Window, partial: &Paid) -> Option<Vwap> {
        let Paid { notional, volume, count } = partial;
        let vwap = Vwap { notional: notional.saturated(), volume: volume.to_native() };
        (count.to_native() != 0).then_some(vwap)
    }
}

/// Open, high, low, close, and the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bar<P> {
    /// The first price, by event time and then by place in the input.
    pub open: P,
    /// The greatest price.
    pub high: P,
    /// The least price.
    pub low: P,
    /// The last price.
    pub close: P,
    /// The sum of the volumes.
    pub volume: i128,
}

/// See [`ohlc`].
#[derive(Debug, Clone, Copy)]
pub struct Ohlc<P, Q> {
    price: P,
    volume: Q,
}

/// Bars. Prices are of any type with an order, volumes are whole numbers.
pub fn ohlc<E, V, W, F, G>(price: F, volume: G) -> Ohlc<Reading<E, F>, Reading<E, G>>
where
    V: Value<Plain: Ordered>,
    W: Value<Plain: Whole>,
    F: Fn(&E) -> V,
    G: Fn(&E) -> W,
{
    Ohlc { price: Reading::new(price), volume: Reading::new(volume) }
}

/// A bar as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable, Unaligned)]
#[repr(C)]
pub struct KeptBar<P> {
    open: Placed<P>,
    close: Placed<P>,
    high: P,
    low: P,
    volume: i128_ule,
}

impl<P, Q> Aggregate for Ohlc<P, Q>
where
    P: Read<Value: Ordered>,
    Q: Read<In = P::In, Value: Whole>,
{
    type In = P::In;
    type Partial = Maybe<KeptBar<<P::Value as Plain>::Kept>>;
    type Out = Option<Bar<P::Value>>;

    #[inline(always)]
    fn lift(&self, header: &Header, event: &P::In) -> Self::Partial {
        let both = self.price.read(event).zip(self.volume.read(event));
        Maybe::from_option(both.map(|(price, volume)| {
            let price = price.canonical();
            let placed = Placed::of(header, price);
            let volume: i128 = volume.into();
            let (high, low) = (price.keep(), price.keep());
            KeptBar { open: placed, close: placed, high, low, volume: volume.into() }
        }))
    }

    #[inline(always)]
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        let is_less = |a: &_, b: &_| P::Value::read(a).order(&P::Value::read(b)).is_lt();
        earlier.or_both(later, |a, b| KeptBar {
            open: a.open.first(&b.open),
            close: a.close.last(&b.close),
            high: if is_less(&a.high, &b.high) { b.high } else { a.high },
            low: if is_less(&b.low, &a.low) { b.low } else { a.low },
            volume: a.volume.to_native().wrapping_add(b.volume.to_native()).into(),
        })
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Self::Out {
        partial.get().map(|bar| Bar {
            open: P::Value::read(&bar.open.value),
            high: P::Value::read(&bar.high),
            low: P::Value::read(&bar.low),
            close: P::Value::read(&bar.close.value),
            volume: bar.volume.to_native(),
        })
    }
}
