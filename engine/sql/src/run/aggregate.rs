//! The aggregates of a stage as one aggregate of the dataflow operators.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tidewire_dataflow::{Aggregate, Window};
use tidewire_event::{Header, Record};
use zerocopy::{IntoBytes, Unaligned};

use super::faults::Faults;
use super::shape::{RowOf, Shape};
use crate::aggregates::calls::Calls;

/// See the module. `P` are the bytes of a partial result, which all zero is that of no row. Its answer is the partial
/// result: what that comes to is written where a row is made of it.
pub(crate) struct SqlAggregate<S, P, const INVERSE: bool, const ORDERED: bool> {
    calls: Calls,
    faults: Arc<Faults>,
    shape: PhantomData<fn(S) -> P>,
}

impl<S, P, const INVERSE: bool, const ORDERED: bool> SqlAggregate<S, P, INVERSE, ORDERED> {
    pub(crate) fn new(calls: &Calls, faults: &Arc<Faults>) -> Self {
        Self { calls: calls.clone(), faults: faults.clone(), shape: PhantomData }
    }
}

impl<S, P, const I: bool, const O: bool> fmt::Debug for SqlAggregate<S, P, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.fmt(f)
    }
}

impl<S: Shape, P: Record + Unaligned, const INVERSE: bool, const ORDERED: bool> Aggregate
    for SqlAggregate<S, P, INVERSE, ORDERED>
{
    type In = RowOf<S>;
    type Partial = P;
    type Out = P;

    const HAS_INVERSE: bool = INVERSE;
    const IS_ORDERED: bool = ORDERED;

    #[inline]
    fn lift(&self, header: &Header, row: &RowOf<S>) -> P {
        let mut partial = P::new_zeroed();
        self.insert(&mut partial, header, row);
        partial
    }

    #[inline]
    fn combine(&self, earlier: &P, later: &P) -> P {
        let mut whole = *earlier;
        self.calls.combine(whole.as_mut_bytes(), later.as_bytes(), &self.faults);
        whole
    }

    #[inline]
    fn remove(&self, whole: &P, part: &P) -> P {
        let mut left = *whole;
        self.calls.remove(left.as_mut_bytes(), part.as_bytes());
        left
    }

    #[inline]
    fn lower(&self, _: Window, partial: &P) -> P {
        *partial
    }

    #[inline]
    fn insert(&self, partial: &mut P, header: &Header, row: &RowOf<S>) {
        let (part, columns) = (partial.as_mut_bytes(), row.columns.as_bytes());
        self.calls.insert(part, header, columns, &self.faults);
    }
}
