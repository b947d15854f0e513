//! The least and the greatest, the first and the last.
//!
//! 1. None depends on the order in which partial results are combined: first and last keep where their events stand, by
//!    event time and then by their places in the input.
//! 2. None has an inverse: what was not the extreme is not kept.

use tidewire_event::Header;

use super::kept::{Maybe, Placed};
use super::value::{Ordered, Plain, Read, Reading, Value};
use crate::aggregate::Aggregate;
use crate::window::Window;

/// See [`min`] and [`max`].
#[derive(Debug, Clone, Copy)]
pub struct Extreme<R, const GREATEST: bool>(R);

/// See [`min`].
pub type Min<R> = Extreme<R, false>;
/// See [`max`].
pub type Max<R> = Extreme<R, true>;

/// The least value. Of floating-point numbers, NaN is the greatest: it is the answer only where there is nothing else.
pub fn min<E, V, F>(value: F) -> Min<Reading<E, F>>
where
    V: Value<Plain: Ordered>,
    F: Fn(&E) -> V,
{
    Extreme(Reading::new(value))
}

/// The greatest value. Of floating-point numbers, NaN is the greatest.
pub fn max<E, V, F>(value: F) -> Max<Reading<E, F>>
where
    V: Value<Plain: Ordered>,
    F: Fn(&E) -> V,
{
    Extreme(Reading::new(value))
}

impl<R: Read<Value: Ordered>, const GREATEST: bool> Aggregate for Extreme<R, GREATEST> {
    type In = R::In;
    type Partial = Maybe<<R::Value as Plain>::Kept>;
    type Out = Option<R::Value>;

    #[inline(always)]
    fn lift(&self, _: &Header, event: &R::In) -> Self::Partial {
        Maybe::from_option(self.0.read(event).map(|value| value.canonical().keep()))
    }

    #[inline(always)]
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        earlier.or_both(later, |a, b| {
            let is_less = R::Value::read(a).order(&R::Value::read(b)).is_lt();
            if is_less == GREATEST { *b } else { *a }
        })
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Self::Out {
        partial.get().map(R::Value::read)
    }
}

/// See [`first`] and [`last`].
#[derive(Debug, Clone, Copy)]
pub struct Edge<R, const LAST: bool>(R);

/// See [`first`].
pub type First<R> = Edge<R, false>;
/// See [`last`].
pub type Last<R> = Edge<R, true>;

/// The first value, in the order of event time and then of the places in the input.
pub fn first<E, V: Value, F: Fn(&E) -> V>(value: F) -> First<Reading<E, F>> {
    Edge(Reading::new(value))
}

/// The last value, in the order of event time and then of the places in the input.
pub fn last<E, V: Value, F: Fn(&E) -> V>(value: F) -> Last<Reading<E, F>> {
    Edge(Reading::new(value))
}

impl<R: Read, const LAST: bool> Aggregate for Edge<R, LAST> {
    type In = R::In;
    type Partial = Maybe<Placed<<R::Value as Plain>::Kept>>;
    type Out = Option<R::Value>;

    #[inline(always)]
    fn lift(&self, header: &Header, event: &R::In) -> Self::Partial {
        Maybe::from_option(self.0.read(event).map(|value| Placed::of(header, value)))
    }

    #[inline(always)]
    fn combine(&self, earlier: &Self::Partial, later: &Self::Partial) -> Self::Partial {
        earlier.or_both(later, |a, b| if LAST { a.last(b) } else { a.first(b) })
    }

    fn lower(&self, _: Window, partial: &Self::Partial) -> Self::Out {
        partial.get().map(|placed| R::Value::read(&placed.value))
    }
}
