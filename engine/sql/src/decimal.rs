//! Decimals: whole numbers of 10^-scale. Exact, and rounded half up, away from zero, where digits are cut off.
//!
//! What does not fit into 128 bits on the way is computed with 256, as a magnitude of two halves.

#[cfg(test)]
mod tests;

/// The greatest power of ten in use.
const EXPONENT_MAX: u8 = 38;

/// 10^exponent, of an exponent of at most 38.
pub(crate) fn power(exponent: u8) -> i128 {
    10_i128.pow(exponent.min(EXPONENT_MAX).into())
}

/// Whether a decimal has at most so many digits.
#[inline(always)]
pub(crate) fn fits(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < power(precision).unsigned_abs()
}

/// `value / by`, rounded; `by` is greater than zero.
pub(crate) fn div_rounded(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, (value % by).unsigned_abs());
    let up = rest >= by.unsigned_abs() - rest;
    quotient + if up { value.signum() } else { 0 }
}

/// The same number with another scale. `None`: it has no room in 128 bits.
pub(crate) fn rescale(value: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        value.checked_mul(power(to - from))
    } else {
        Some(div_rounded(value, power(from - to)))
    }
}

/// `a + b`, of scales that may differ, as a number of `scale`.
pub(crate) fn add(a: (i128, u8), b: (i128, u8), scale: u8) -> Option<i128> {
    let exact = a.1.max(b.1);
    let (up_a, up_b) = (power(exact - a.1), power(exact - b.1));
    if let Some(sum) = scaled(a.0, up_a).zip(scaled(b.0, up_b)).and_then(|(a, b)| a.checked_add(b))
    {
        return rescale(sum, exact, scale);
    }
    let (x, y) = (product(a.0, up_a), product(b.0, up_b));
    let (negative, sum) = match (a.0 < 0, b.0 < 0) {
        (negative, other) if negative == other => (negative, wide_add(x, y)?),
        (negative, _) if x >= y => (negative, wide_sub(x, y)),
        (negative, _) => (!negative, wide_sub(y, x)),
    };
    if scale > exact {
        return None;
    }
    signed(negative, wide_div_rounded(sum, power(exact - scale).unsigned_abs())?)
}

/// `a * b`, with `down` digits cut off.
pub(crate) fn multiply(a: i128, b: i128, down: u8) -> Option<i128> {
    if let Some(product) = scaled(a, b) {
        return Some(if down == 0 { product } else { div_rounded(product, power(down)) });
    }
    let negative = (a < 0) != (b < 0);
    signed(negative, wide_div_rounded(product(a, b), power(down).unsigned_abs())?)
}

/// `a / b * 10^up`; `b` is not zero.
pub(crate) fn divide(a: i128, b: i128, up: i32) -> Option<i128> {
    let negative = (a < 0) != (b < 0);
    let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
    let (mut quotient, mut rest) = (a / b, a % b);
    if up < 0 {
        let down = u8::try_from(-up).ok().filter(|down| *down <= EXPONENT_MAX);
        // A quotient of so many digits fewer is zero.
        let Some(down) = down else { return Some(0) };
        let unit = power(down).unsigned_abs();
        let rounded = quotient / unit + u128::from(quotient % unit >= unit / 2);
        return signed(negative, rounded);
    }
    let mut up = u32::try_from(up).ok()?;
    while up > 0 {
        let digits = up.min(EXPONENT_MAX.into());
        let unit = 10_u128.pow(digits);
        // The rest is less than the divisor: the next digits fit.
        let (next, next_rest) = match rest.checked_mul(unit) {
            Some(rest) => (rest / b, rest % b),
            None => {
                let (high, low) = wide_mul(rest, unit);
                wide_div(high, low, b)
            }
        };
        quotient = quotient.checked_mul(unit)?.checked_add(next)?;
        rest = next_rest;
        up -= digits;
    }
    let up = rest >= b - rest;
    signed(negative, quotient.checked_add(up.into())?)
}

/// What is left of `a / b`, cut off toward zero: of the greater of the two scales, and of the sign of `a`. `b` is not
/// zero.
pub(crate) fn remainder(a: (i128, u8), b: (i128, u8)) -> i128 {
    let scale = a.1.max(b.1);
    let (x, y) = (a.0.unsigned_abs(), b.0.unsigned_abs());
    let rest = match y.checked_mul(power(scale - b.1).unsigned_abs()) {
        Some(y) => {
            let (high, low) = wide_mul(x % y, power(scale - a.1).unsigned_abs());
            if high == 0 { low % y } else { wide_div(high, low, y).1 }
        }
        // It is more than any decimal.
        None => x,
    };
    let rest = i128::try_from(rest).unwrap_or(i128::MAX);
    if a.0 < 0 { -rest } else { rest }
}

/// `a * b`, the usual way: of what has 64 bits without looking for an overflow.
#[inline(always)]
fn scaled(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

fn signed(negative: bool, magnitude: u128) -> Option<i128> {
    let value = i128::try_from(magnitude).ok()?;
    Some(if negative { -value } else { value })
}

fn product(a: i128, b: i128) -> (u128, u128) {
    wide_mul(a.unsigned_abs(), b.unsigned_abs())
}

/// The high and the low half of `a * b`.
fn wide_mul(a: u128, b: u128) -> (u128, u128) {
    let halves = |x: u128| (x >> 64, x & u128::from(u64::MAX));
    let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
    let low = a0 * b0;
    let middle = a1 * b0 + (low >> 64);
    let middle_2 = a0 * b1 + (middle & u128::from(u64::MAX));
    let high = a1 * b1 + (middle >> 64) + (middle_2 >> 64);
    (high, middle_2 << 64 | low & u128::from(u64::MAX))
}

fn wide_add(a: (u128, u128), b: (u128, u128)) -> Option<(u128, u128)> {
    let (low, carry) = a.1.overflowing_add(b.1);
    Some((a.0.checked_add(b.0)?.checked_add(carry.into())?, low))
}

/// `a` must not be less than `b`.
fn wide_sub(a: (u128, u128), b: (u128, u128)) -> (u128, u128) {
    let (low, borrow) = a.1.overflowing_sub(b.1);
    (a.0.wrapping_sub(b.0).wrapping_sub(borrow.into()), low)
}

/// The quotient, rounded, if it has 128 bits.
fn wide_div_rounded((high, low): (u128, u128), by: u128) -> Option<u128> {
    if high >= by {
        return None;
    }
    let (quotient, rest) = if high == 0 { (low / by, low % by) } else { wide_div(high, low, by) };
    quotient.checked_add((rest >= by - rest).into())
}

/// Quotient and rest of two halves by a divisor that is greater than the high half: Knuth's algorithm D, of two digits of
/// 64 bits.
fn wide_div(high: u128, low: u128, by: u128) -> (u128, u128) {
    let shift = by.leading_zeros();
    let by = by << shift;
    let high = if shift == 0 { high } else { high << shift | low >> (128 - shift) };
    let low = low << shift;
    let (by1, by0) = (by >> 64, by & u128::from(u64::MAX));
    let digit = |rest: u128, next: u128| {
        let (mut digit, mut left) = (rest / by1, rest % by1);
        while digit >> 64 != 0 || digit * by0 > (left << 64 | next) {
            digit -= 1;
            left += by1;
            if left >> 64 != 0 {
                break;
            }
        }
        let rest = (rest << 64 | next).wrapping_sub(digit.wrapping_mul(by));
        (digit, rest)
    };
    let (first, rest) = digit(high, low >> 64);
    let (second, rest) = digit(rest, low & u128::from(u64::MAX));
    (first << 64 | second, rest >> shift)
}
