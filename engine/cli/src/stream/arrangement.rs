//! In which order events come to their operator.

use tidewire_dataflow::{InOrder, Operator};
use tidewire_event::record::Unaligned;
use tidewire_event::{Key, Record};
use tidewire_state::{Arena, Full};

/// Puts events `E` into an order before an operator, or leaves them as they are.
pub trait Arrangement<E> {
    /// The operator with what is before it.
    type Of<K: Key, F: Fn(&E) -> K, O: Operator<In = E, Late = E>>: Operator<In = E, Late = E, Row = O::Row>;

    /// Whether events come in the order of their times.
    const IS_ORDERED: bool;

    /// Puts what orders the events before an operator. `key_of` is their key, and `arena` is the operator's.
    ///
    /// # Errors
    /// There is no room.
    fn arrange<K: Key, F: Fn(&E) -> K, O: Operator<In = E, Late = E>>(
        &self,
        key_of: F,
        arena: Arena,
        operator: O,
    ) -> Result<Self::Of<K, F, O>, Full>;
}

/// Events come to the operator as they arrive.
#[derive(Debug, Clone, Copy)]
pub struct AsTheyCome;

/// Events come to the operator in the order of their times, when the watermark has passed them.
#[derive(Debug, Clone, Copy)]
pub struct InTimeOrder;

impl<E> Arrangement<E> for AsTheyCome {
    type Of<K: Key, F: Fn(&E) -> K, O: Operator<In = E, Late = E>> = O;

    const IS_ORDERED: bool = false;

    fn arrange<K: Key, F: Fn(&E) -> K, O: Operator<In = E, Late = E>>(
        &self,
        _: F,
        _: Arena,
        operator: O,
    ) -> Result<O, Full> {
        Ok(operator)
    }
}

impl<E: Record + Unaligned> Arrangement<E> for InTimeOrder {
    type Of<K: Key, F: Fn(&E) -> K, O: Operator<In = E, Late = E>> = InOrder<K, F, O>;

    const IS_ORDERED: bool = true;

    fn arrange<K: Key, F: Fn(&E) -> K, O: Operator<In = E, Late = E>>(
        &self,
        key_of: F,
        arena: Arena,
        operator: O,
    ) -> Result<InOrder<K, F, O>, Full> {
        Ok(InOrder::new(key_of, arena, operator))
    }
}
