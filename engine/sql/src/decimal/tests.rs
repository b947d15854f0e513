//! Against a model that computes with the digits of texts.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

/// A whole number of any size: a sign, and decimal digits, the last first.
#[derive(Debug, Clone)]
struct Big {
    negative: bool,
    digits: Vec<u8>,
}

fn trimmed(mut digits: Vec<u8>) -> Vec<u8> {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut digits, mut carry) = (Vec::new(), 0);
    for at in 0..a.len().max(b.len()) + 1 {
        let digit = a.get(at).unwrap_or(&0) + b.get(at).unwrap_or(&0) + carry;
        digits.push(digit % 10);
        carry = digit / 10;
    }
    trimmed(digits)
}

fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut digits, mut borrow) = (Vec::new(), 0);
    for at in 0..a.len() {
        let digit = 10 + a[at] - b.get(at).unwrap_or(&0) - borrow;
        digits.push(digit % 10);
        borrow = 1 - digit / 10;
    }
    trimmed(digits)
}

impl Big {
    fn new(value: i128) -> Self {
        let text = value.unsigned_abs().to_string();
        let digits = trimmed(text.bytes().rev().map(|byte| byte - b'0').collect());
        Self { negative: value < 0, digits }
    }

    /// Times 10^exponent.
    fn shifted(&self, exponent: u32) -> Self {
        let zeros = std::iter::repeat_n(0, exponent as usize);
        let digits = trimmed(zeros.chain(self.digits.iter().copied()).collect());
        Self { negative: self.negative, digits }
    }

    fn plus(&self, other: &Self) -> Self {
        if self.negative == other.negative {
            return Self { digits: sum(&self.digits, &other.digits), ..self.clone() };
        }
        match compare(&self.digits, &other.digits) {
            Ordering::Less => other.plus(self),
            _ => Self { digits: difference(&self.digits, &other.digits), ..self.clone() },
        }
    }

    fn times(&self, other: &Self) -> Self {
        let mut digits = Vec::new();
        for (at, digit) in other.digits.iter().enumerate() {
            let shifted = self.shifted(at as u32).digits;
            for _ in 0..*digit {
                digits = sum(&digits, &shifted);
            }
        }
        Self { negative: self.negative != other.negative, digits }
    }

    /// The quotient, toward zero, and the rest.
    fn over(&self, other: &Self) -> (Self, Self) {
        let (mut quotient, mut rest) = (vec![0; self.digits.len()], Vec::new());
        for at in (0..self.digits.len()).rev() {
            rest.insert(0, self.digits[at]);
            rest = trimmed(rest);
            while compare(&rest, &other.digits) != Ordering::Less {
                rest = difference(&rest, &other.digits);
                quotient[at] += 1;
            }
        }
        let negative = self.negative != other.negative;
        (
            Self { negative, digits: trimmed(quotient) },
            Self { negative: self.negative, digits: rest },
        )
    }

    /// The quotient, rounded half up, away from zero.
    fn over_rounded(&self, other: &Self) -> Self {
        let (quotient, rest) = self.over(other);
        if compare(&sum(&rest.digits, &rest.digits), &other.digits) == Ordering::Less {
            return quotient;
        }
        Self { digits: sum(&quotient.digits, &[1]), ..quotient }
    }

    /// The number, if it has at most 38 digits.
    fn value(&self) -> Option<i128> {
        let value =
            self.digits.iter().rev().try_fold(0_i128, |value, digit| {
                value.checked_mul(10)?.checked_add((*digit).into())
            })?;
        let value = if self.negative { -value } else { value };
        fits(value, 38).then_some(value)
    }
}

/// A decimal of up to 38 digits, of all lengths alike.
fn decimal() -> impl Strategy<Value = (i128, u8)> {
    let value = (any::<i128>(), 1..=38_u8).prop_map(|(value, digits)| value % power(digits));
    let special = prop_oneof![Just(0), Just(1), Just(-1), Just(power(38) - 1), Just(1 - power(38))];
    (prop_oneof![6 => value, 1 => special], 0..=38_u8)
}

fn in_range(value: Option<i128>) -> Option<i128> {
    value.filter(|value| fits(*value, 38))
}

proptest! {
    #[test]
    fn sums(a in decimal(), b in decimal(), less in 0..=38_u8) {
        let exact = a.1.max(b.1);
        let scale = exact.saturating_sub(less);
        let x = Big::new(a.0).shifted((exact - a.1).into());
        let y = Big::new(b.0).shifted((exact - b.1).into());
        let wanted = x.plus(&y).over_rounded(&Big::new(1).shifted((exact - scale).into())).value();
        prop_assert_eq!(in_range(add(a, b, scale)), wanted);
    }

    #[test]
    fn products(a in decimal(), b in decimal(), down in 0..=38_u8) {
        let product = Big::new(a.0).times(&Big::new(b.0));
        let wanted = product.over_rounded(&Big::new(1).shifted(down.into())).value();
        prop_assert_eq!(in_range(multiply(a.0, b.0, down)), wanted);
    }

    #[test]
    fn quotients(a in decimal(), b in decimal(), up in -38..=76_i32) {
        prop_assume!(b.0 != 0);
        let numerator = Big::new(a.0).shifted(up.max(0) as u32);
        let denominator = Big::new(b.0).shifted((-up).max(0) as u32);
        let wanted = numerator.over_rounded(&denominator).value();
        prop_assert_eq!(in_range(divide(a.0, b.0, up)), wanted);
    }

    #[test]
    fn remainders(a in decimal(), b in decimal()) {
        prop_assume!(b.0 != 0);
        let scale = a.1.max(b.1);
        let x = Big::new(a.0).shifted((scale - a.1).into());
        let y = Big::new(b.0).shifted((scale - b.1).into());
        let wanted = x.over(&y).1.value();
        let found = remainder(a, b);
        prop_assert_eq!(in_range(Some(found)), wanted);
    }

    #[test]
    fn other_scales(a in decimal(), scale in 0..=38_u8) {
        let wanted = if scale >= a.1 {
            Big::new(a.0).shifted((scale - a.1).into())
        } else {
            Big::new(a.0).over_rounded(&Big::new(1).shifted((a.1 - scale).into()))
        };
        prop_assert_eq!(in_range(rescale(a.0, a.1, scale)), wanted.value());
    }
}
