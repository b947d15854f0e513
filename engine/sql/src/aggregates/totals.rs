//! Results from sums and numbers: SUM and AVG, exact.

use tidewire_event::{DataType, Repr};

use super::calls::{Answer, Problem};
use super::codec::{get, put};

/// A sum of 128-bit numbers in 192 bits, two's complement, and their number.
#[derive(Debug, Clone, Copy)]
pub(super) struct WideTotal {
    low: u128,
    high: i64,
    pub(super) count: u64,
}

impl WideTotal {
    pub(super) const SUM_BYTES: usize = 24;
    pub(super) const BYTES: usize = Self::SUM_BYTES + 8;

    pub(super) fn of(value: i128, count: u64) -> Self {
        Self { low: value as u128, high: (value >> 127) as i64, count }
    }

    pub(super) fn read(part: &[u8]) -> Self {
        Self {
            low: u128::from_le_bytes(get(part, 0)),
            high: i64::from_le_bytes(get(part, 16)),
            count: u64::from_le_bytes(get(part, 24)),
        }
    }

    fn write(self, part: &mut [u8]) {
        put(part, 0, self.low.to_le_bytes());
        put(part, 16, self.high.to_le_bytes());
        put(part, 24, self.count.to_le_bytes());
    }

    pub(super) fn add_to(self, part: &mut [u8]) {
        let Self { low, high, count } = Self::read(part);
        let (low, carries) = low.overflowing_add(self.low);
        let high = high.wrapping_add(self.high).wrapping_add(carries.into());
        Self { low, high, count: count.wrapping_add(self.count) }.write(part);
    }

    pub(super) fn take_from(self, part: &mut [u8]) {
        let Self { low, high, count } = Self::read(part);
        let (low, borrows) = low.overflowing_sub(self.low);
        let high = high.wrapping_sub(self.high).wrapping_sub(borrows.into());
        Self { low, high, count: count.wrapping_sub(self.count) }.write(part);
    }

    /// The sum, if 128 bits have room for it.
    pub(super) fn sum(&self) -> Option<i128> {
        let low = self.low as i128;
        ((low >> 127) as i64 == self.high).then_some(low)
    }
}

/// What a sum and a number come to.
#[derive(Debug, Clone)]
pub(super) enum TotalAnswer {
    /// The sum, as a value of a type.
    Sum(DataType),
    /// The average, as a value of a type; of decimals, the sum is multiplied by a power of ten first, to have as many
    /// digits behind the point.
    Average { ty: DataType, factor: i128 },
}

impl TotalAnswer {
    pub(super) fn answer(
        &self,
        sum: Option<i128>,
        count: u64,
        answer: &mut Answer<'_, '_>,
    ) -> Result<(), Problem> {
        if count == 0 {
            answer.null();
            return Ok(());
        }
        match self {
            Self::Sum(ty) => put_whole(sum, ty, "sum", answer),
            Self::Average { ty, factor } => {
                let of = sum.and_then(|sum| sum.checked_mul(*factor));
                let is_decimal = matches!(ty, DataType::Decimal { .. });
                let average = of.map(|of| divided(of, count.into(), is_decimal));
                put_whole(average, ty, "average", answer)
            }
        }
    }
}

/// A quotient, cut toward zero or rounded half away from it.
pub(super) fn divided(of: i128, by: i128, rounds: bool) -> i128 {
    let (quotient, rest) = (of / by, of % by);
    let half = rounds && rest.unsigned_abs() >= by.unsigned_abs() - rest.unsigned_abs();
    let away = if (of < 0) == (by < 0) { 1 } else { -1 };
    if half { quotient + away } else { quotient }
}

/// Writes a whole number of a type, if that has room for it.
pub(super) fn put_whole(
    value: Option<i128>,
    ty: &DataType,
    what: &str,
    answer: &mut Answer<'_, '_>,
) -> Result<(), Problem> {
    let overflow =
        || Problem::new(format!("a {what} that is too large for {ty}: cast it to a wider type"));
    let value = value.filter(|value| fits(*value, ty)).ok_or_else(overflow)?;
    match answer.slot.repr {
        Repr::Wide => answer.writer.wide(answer.slot, value),
        _ => answer.writer.int(answer.slot, value as i64),
    }
    Ok(())
}

fn fits(value: i128, ty: &DataType) -> bool {
    match ty {
        DataType::Decimal { precision, .. } => {
            value.unsigned_abs() < 10_u128.pow(u32::from(*precision).min(38))
        }
        DataType::TinyInt => i8::try_from(value).is_ok(),
        DataType::SmallInt => i16::try_from(value).is_ok(),
        DataType::Int | DataType::Months => i32::try_from(value).is_ok(),
        _ => i64::try_from(value).is_ok(),
    }
}
