//! The volume-weighted average price, exact: VWAP of whole numbers and decimals of up to 18 digits.

use tidewire_dataflow::Window;
use tidewire_event::{DataType, Header, Slot};

use super::calls::{Answer, Problem, State};
use super::codec::{get, put};
use super::totals::{WideTotal, divided, put_whole};

/// What was paid, and what was traded: a sum of products, a number of rows, and a sum.
#[derive(Debug)]
pub(super) struct Vwap {
    pub(super) price: Slot,
    pub(super) quantity: Slot,
    /// The type of the result.
    pub(super) ty: DataType,
    /// A unit of the price in units of the result, of a decimal; the price's units in one, of a floating-point number.
    pub(super) factor: i128,
}

const VOLUME_AT: usize = WideTotal::BYTES;

impl Vwap {
    fn add(part: &mut [u8], paid: WideTotal, volume: i128) {
        paid.add_to(part);
        let sum = i128::from_le_bytes(get(part, VOLUME_AT)).wrapping_add(volume);
        put(part, VOLUME_AT, sum.to_le_bytes());
    }
}

impl State for Vwap {
    fn bytes(&self) -> usize {
        VOLUME_AT + 16
    }

    fn insert(&self, part: &mut [u8], _: &Header, row: &[u8]) -> Result<(), Problem> {
        if !self.price.is_null(row) && !self.quantity.is_null(row) {
            let (price, quantity) = (self.price.int(row), i128::from(self.quantity.int(row)));
            Self::add(part, WideTotal::of(i128::from(price) * quantity, 1), quantity);
        }
        Ok(())
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        let volume = i128::from_le_bytes(get(later, VOLUME_AT));
        Self::add(whole, WideTotal::read(later), volume);
        Ok(())
    }

    fn remove(&self, whole: &mut [u8], part: &[u8]) {
        WideTotal::read(part).take_from(whole);
        let left = i128::from_le_bytes(get(whole, VOLUME_AT))
            .wrapping_sub(i128::from_le_bytes(get(part, VOLUME_AT)));
        put(whole, VOLUME_AT, left.to_le_bytes());
    }

    fn lower(&self, part: &[u8], _: Window, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
        let (paid, volume) = (WideTotal::read(part), i128::from_le_bytes(get(part, VOLUME_AT)));
        if volume == 0 {
            answer.null();
            return Ok(());
        }
        if self.ty == DataType::Double {
            let paid =
                paid.sum().ok_or_else(|| Problem::new("what was paid is too much to be summed"))?;
            answer.float(Some(paid as f64 / volume as f64 / self.factor as f64));
            return Ok(());
        }
        let paid = paid.sum().and_then(|paid| paid.checked_mul(self.factor));
        put_whole(paid.map(|paid| divided(paid, volume, true)), &self.ty, "price", answer)
    }

    fn has_inverse(&self) -> bool {
        true
    }
}
