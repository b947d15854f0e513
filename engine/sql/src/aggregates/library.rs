//! Aggregates of the dataflow library over columns.

use std::fmt;

use tidewire_dataflow::{Aggregate, Window};
use tidewire_event::{DataType, Header, Repr, Slot};
use zerocopy::{FromBytes, IntoBytes, Unaligned};

use super::calls::{Answer, Problem, State};

/// An aggregate over what `read` gives for a row, with its answer as `lower` writes it. A byte says whether there is a
/// value.
pub(super) struct Library<A, R, L> {
    pub(super) aggregate: A,
    pub(super) read: R,
    pub(super) lower: L,
}

impl<A, R, L> fmt::Debug for Library<A, R, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<A>())
    }
}

impl<A, R, L> Library<A, R, L>
where
    A: Aggregate<Partial: Unaligned>,
{
    fn read_part(part: &[u8]) -> Option<A::Partial> {
        match part[0] {
            0 => None,
            _ => A::Partial::read_from_bytes(&part[1..]).ok(),
        }
    }

    fn write_part(part: &mut [u8], partial: &A::Partial) {
        part[0] = 1;
        part[1..].copy_from_slice(partial.as_bytes());
    }
}

impl<A, R, L> State for Library<A, R, L>
where
    A: Aggregate<Partial: Unaligned> + Send + Sync,
    R: Fn(&[u8]) -> Option<A::In> + Send + Sync,
    L: Fn(A::Out, &mut Answer<'_, '_>) -> Result<(), Problem> + Send + Sync,
{
    fn bytes(&self) -> usize {
        1 + size_of::<A::Partial>()
    }

    fn insert(&self, part: &mut [u8], header: &Header, row: &[u8]) -> Result<(), Problem> {
        let Some(event) = (self.read)(row) else { return Ok(()) };
        let partial = match Self::read_part(part) {
            Some(mut partial) => {
                self.aggregate.insert(&mut partial, header, &event);
                partial
            }
            None => self.aggregate.lift(header, &event),
        };
        Self::write_part(part, &partial);
        Ok(())
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        match (Self::read_part(whole), Self::read_part(later)) {
            (_, None) => {}
            (None, Some(_)) => whole.copy_from_slice(later),
            (Some(a), Some(b)) => Self::write_part(whole, &self.aggregate.combine(&a, &b)),
        }
        Ok(())
    }

    fn lower(
        &self,
        part: &[u8],
        window: Window,
        answer: &mut Answer<'_, '_>,
    ) -> Result<(), Problem> {
        match Self::read_part(part) {
            Some(partial) => (self.lower)(self.aggregate.lower(window, &partial), answer),
            None => {
                answer.null();
                Ok(())
            }
        }
    }

    fn is_ordered(&self) -> bool {
        A::IS_ORDERED
    }
}

/// Reads a number of any type as a floating-point one.
pub(super) fn floats(slot: Slot, ty: &DataType) -> impl Fn(&[u8]) -> Option<f64> + use<> {
    let units = match ty {
        DataType::Decimal { scale, .. } => 10_f64.powi(i32::from(*scale)),
        _ => 1.0,
    };
    move |row: &[u8]| {
        if slot.is_null(row) {
            return None;
        }
        Some(match slot.repr {
            Repr::Float(_) => slot.float(row),
            Repr::Wide => slot.wide(row) as f64 / units,
            _ => slot.int(row) as f64 / units,
        })
    }
}

/// Writes a floating-point answer.
pub(super) fn float(value: Option<f64>, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
    answer.float(value);
    Ok(())
}
