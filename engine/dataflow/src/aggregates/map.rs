//! An aggregate whose answer is changed by a function.

use tidewire_event::Header;

use crate::aggregate::Aggregate;
use crate::window::Window;

/// What every aggregate can do.
pub trait AggregateExt: Aggregate + Sized {
    /// The same with `function` of its answer as the answer.
    fn map<O, F: Fn(Self::Out) -> O>(self, function: F) -> Mapped<Self, F> {
        Mapped { aggregate: self, function }
    }
}

impl<A: Aggregate> AggregateExt for A {}

/// See [`AggregateExt::map`].
#[derive(Debug, Clone, Copy)]
pub struct Mapped<A, F> {
    aggregate: A,
    function: F,
}

impl<A: Aggregate, O, F: Fn(A::Out) -> O> Aggregate for Mapped<A, F> {
    type In = A::In;
    type Partial = A::Partial;
    type Out = O;

    const HAS_INVERSE: bool = A::HAS_INVERSE;
    const IS_ORDERED: bool = A::IS_ORDERED;

    #[inline(always)]
    fn lift(&self, header: &Header, event: &A::In) -> A::Partial {
        self.aggregate.lift(header, event)
    }

    #[inline(always)]
    fn combine(&self, earlier: &A::Partial, later: &A::Partial) -> A::Partial {
        self.aggregate.combine(earlier, later)
    }

    #[inline(always)]
    fn remove(&self, whole: &A::Partial, part: &A::Partial) -> A::Partial {
        self.aggregate.remove(whole, part)
    }

    fn lower(&self, window: Window, partial: &A::Partial) -> O {
        (self.function)(self.aggregate.lower(window, partial))
    }

    #[inline(always)]
    fn insert(&self, partial: &mut A::Partial, header: &Header, event: &A::In) {
        self.aggregate.insert(partial, header, event);
    }
}
