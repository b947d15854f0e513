//! Which types go together, and what comes of it: Flink's rules.

use tidewire_event::DataType;
use tidewire_event::schema::DECIMAL_DIGITS_MAX;

/// The digits behind the point that a result keeps at least, where its digits do not all fit.
const SCALE_KEPT: u8 = 6;

/// The precision and scale of a decimal, or of an integer as one.
pub(crate) fn decimal_of(ty: &DataType) -> Option<(u8, u8)> {
    Some(match ty {
        DataType::TinyInt => (3, 0),
        DataType::SmallInt => (5, 0),
        DataType::Int => (10, 0),
        DataType::BigInt => (19, 0),
        DataType::Decimal { precision, scale } => (*precision, *scale),
        _ => return None,
    })
}

/// A decimal of so many digits; where they are too many, those behind the point go first.
fn adjusted(precision: u8, scale: u8) -> DataType {
    if precision <= DECIMAL_DIGITS_MAX {
        return DataType::Decimal { precision, scale };
    }
    let room = DECIMAL_DIGITS_MAX.saturating_sub(precision - scale);
    DataType::Decimal { precision: DECIMAL_DIGITS_MAX, scale: room.max(scale.min(SCALE_KEPT)) }
}

/// The type of `a + b` and `a - b`, of decimals.
pub(crate) fn sum((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> DataType {
    let scale = s1.max(s2);
    adjusted((p1 - s1).max(p2 - s2) + scale + 1, scale)
}

/// The type of `a * b`, of decimals.
pub(crate) fn product((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> DataType {
    adjusted(p1 + p2 + 1, s1 + s2)
}

/// The type of `a / b`, of decimals.
pub(crate) fn quotient((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> DataType {
    let scale = (s1 + p2 + 1).max(SCALE_KEPT);
    adjusted(p1 - s1 + s2 + scale, scale)
}

/// The type of `a % b`, of decimals.
pub(crate) fn remainder((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> DataType {
    let scale = s1.max(s2);
    adjusted((p1 - s1).min(p2 - s2) + scale, scale)
}

/// The type that all of `types` can become without a loss.
pub(crate) fn common(types: &[&DataType]) -> Option<DataType> {
    let (first, rest) = types.split_first()?;
    rest.iter().try_fold((*first).clone(), |common, ty| common_of_two(&common, ty))
}

fn common_of_two(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (T::Null, ty) | (ty, T::Null) => ty.clone(),
        (a, b) if a.is_text() && b.is_text() => match (a, b) {
            (T::String, _) | (_, T::String) => T::String,
            (T::Char(a) | T::VarChar(a), T::Char(b) | T::VarChar(b)) => T::VarChar(*a.max(b)),
            _ => return None,
        },
        (a, b) if a.is_numeric() && b.is_numeric() => common_number(a, b),
        (T::Time(a), T::Time(b)) => T::Time(*a.max(b)),
        (T::Timestamp(a), T::Timestamp(b)) => T::Timestamp(*a.max(b)),
        (T::TimestampLtz(a), T::TimestampLtz(b))
        | (T::Timestamp(a), T::TimestampLtz(b))
        | (T::TimestampLtz(a), T::Timestamp(b)) => T::TimestampLtz(*a.max(b)),
        (T::Date, ty @ (T::Timestamp(_) | T::TimestampLtz(_)))
        | (ty @ (T::Timestamp(_) | T::TimestampLtz(_)), T::Date) => ty.clone(),
        (T::Array(a), T::Array(b)) => T::Array(Box::new(common_of_two(a, b)?)),
        (T::Map(a, x), T::Map(b, y)) => {
            T::Map(Box::new(common_of_two(a, b)?), Box::new(common_of_two(x, y)?))
        }
        (T::Row(a), T::Row(b)) if a.len() == b.len() => {
            let mut fields = a.clone();
            for (field, other) in fields.iter_mut().zip(b) {
                field.ty = common_of_two(&field.ty, &other.ty)?;
                field.nullable |= other.nullable;
            }
            T::Row(fields)
        }
        _ => return None,
    })
}

/// The common type of two numbers that differ.
fn common_number(a: &DataType, b: &DataType) -> DataType {
    use DataType as T;
    if a.is_integer() && b.is_integer() {
        let wider = if a.repr().slot_bytes() >= b.repr().slot_bytes() { a } else { b };
        return wider.clone();
    }
    match (decimal_of(a), decimal_of(b)) {
        (Some((p1, s1)), Some((p2, s2))) => {
            let scale = s1.max(s2);
            let precision = ((p1 - s1).max(p2 - s2) + scale).min(DECIMAL_DIGITS_MAX);
            T::Decimal { precision, scale }
        }
        _ if *a == T::Double || *b == T::Double => T::Double,
        _ if matches!(a, T::Decimal { .. }) || matches!(b, T::Decimal { .. }) => T::Double,
        _ => T::Float,
    }
}

/// The types that `a` and `b` are compared as: their common type, and for a text beside a time, that of the time.
pub(crate) fn compared(types: &[&DataType]) -> Option<DataType> {
    common(types).or_else(|| {
        let is_time =
            |ty: &DataType| ty.is_timestamp() || matches!(ty, DataType::Date | DataType::Time(_));
        let rest: Vec<_> = types.iter().copied().filter(|ty| !ty.is_text()).collect();
        common(&rest).filter(is_time)
    })
}
