//! Values of JSON as they were gone over, and what numbers are in columns: the same as their text is, without reading that
//! again.

use tidewire_event::DataType;

use super::text::{Bad, Scalar};

/// Digits that always have room in 64 bits.
pub(super) const DIGITS_MAX: usize = 18;
/// Whole numbers up to here, and powers of ten up to the 22nd, are floats as they are: one divided by the other is rounded
/// once, and so is the nearest float.
const EXACT_MAX: u64 = 1 << f64::MANTISSA_DIGITS;
/// Powers of ten.
pub(super) const POWERS: [u64; DIGITS_MAX + 1] = {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// What a value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// There is none.
    #[default]
    Missing,
    Null,
    True,
    False,
    /// A number of at most [`DIGITS_MAX`] digits without an exponent.
    Number,
    /// Any other number: its digits are not known.
    LongNumber,
    /// A string of ASCII without escapes.
    Plain,
    String,
    /// An array or object.
    Nested,
}

/// What is known of a value that was gone over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) form: Form,
    /// Of a number, whether a minus stands before it.
    pub(super) is_negative: bool,
    /// How many of its digits stand behind the point; none if it has none.
    pub(super) behind: u8,
    /// All its digits, without the point.
    pub(super) digits: u64,
}

impl From<Form> for Known {
    #[inline(always)]
    fn from(form: Form) -> Self {
        Self { form, ..Self::default() }
    }
}

/// What a column makes of a value that is not nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number of this range.
    Whole {
        min: i64,
        max: i64,
    },
    /// A decimal of this scale, of this value at most.
    Decimal {
        scale: u8,
        max: u64,
        is_wide: bool,
    },
    Double,
    Boolean,
    Text,
    /// It is read from its text.
    Other,
}

impl Kind {
    pub(super) fn of(ty: &DataType) -> Self {
        let whole = |min, max| Self::Whole { min, max };
        match *ty {
            DataType::TinyInt => whole(i8::MIN.into(), i8::MAX.into()),
            DataType::SmallInt => whole(i16::MIN.into(), i16::MAX.into()),
            DataType::Int => whole(i32::MIN.into(), i32::MAX.into()),
            DataType::BigInt => whole(i64::MIN, i64::MAX),
            DataType::Decimal { precision, scale } => {
                let bound = 10_u64.checked_pow(precision.into());
                let max = bound.map_or(u64::MAX, |bound| bound - 1);
                Self::Decimal { scale, max, is_wide: precision > 18 }
            }
            DataType::Double => Self::Double,
            DataType::Boolean => Self::Boolean,
            ref ty if ty.is_text() => Self::Text,
            _ => Self::Other,
        }
    }
}

impl Known {
    /// What the column makes of it, a [`Form::Number`]; `None`: that takes its text.
    #[inline(always)]
    pub(super) fn number_in<'a>(self, kind: Kind) -> Option<Result<Scalar<'a>, Bad>> {
        let Self { is_negative, digits, behind, .. } = self;
        let signed = |value: u64| if is_negative { -(value as i64) } else { value as i64 };
        match kind {
            Kind::Whole { min, max } if behind == 0 => {
                let value = signed(digits);
                let is_inside = (min..=max).contains(&value);
                Some(if is_inside { Ok(Scalar::Int(value)) } else { Err(Bad::Range) })
            }
            Kind::Decimal { scale, max, is_wide } => {
                let missing = scale.checked_sub(behind)?;
                let value = digits.checked_mul(*POWERS.get(usize::from(missing))?)?;
                Some(match value <= max {
                    false => Err(Bad::Range),
                    true if is_wide => {
                        let value = i128::from(value);
                        Ok(Scalar::Wide(if is_negative { -value } else { value }))
                    }
                    true => Ok(Scalar::Int(signed(value))),
                })
            }
            Kind::Double if digits <= EXACT_MAX => {
                // As i64, of which a processor makes floats at once.
                let value = digits as i64 as f64 / POWERS[usize::from(behind)] as i64 as f64;
                Some(Ok(Scalar::Float(if is_negative { -value } else { value })))
            }
            _ => None,
        }
    }
}
