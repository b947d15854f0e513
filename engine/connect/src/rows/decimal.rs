//! Exact decimals.

use std::fmt;

/// A whole number of units of 10^-`digits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// How many units.
    pub units: i128,
    /// Digits after the point.
    pub digits: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let units = self.units.unsigned_abs();
        if self.digits == 0 {
            return write!(f, "{sign}{units}");
        }
        let one = 10_u128.pow(self.digits.into());
        let digits = usize::from(self.digits);
        write!(f, "{sign}{}.{:0digits$}", units / one, units % one)
    }
}

impl Decimal {
    /// The same number for people to read: without zeros at its end beyond the second digit after the point.
    #[must_use]
    pub fn short(mut self) -> Self {
        while self.digits > 2 && self.units % 10 == 0 {
            self.units /= 10;
            self.digits -= 1;
        }
        self
    }
}

/// `numerator / denominator`, rounded to the nearest whole number, a half upwards. `None` for a denominator that is
/// not positive.
#[must_use]
pub fn divide_half_up(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    Some(whole + i128::from(rest >= denominator - rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        let text = |units, digits| Decimal { units, digits }.to_string();
        assert_eq!(text(1_632_400, 4), "163.2400");
        assert_eq!(text(-5, 4), "-0.0005");
        assert_eq!(text(7, 0), "7");
        assert_eq!(Decimal { units: 4_810_250_000_000, digits: 9 }.short().to_string(), "4810.25");
        assert_eq!(Decimal { units: 1_632_405, digits: 4 }.short().to_string(), "163.2405");
        assert_eq!(text(i128::MIN, 9), "-170141183460469231731687303715.884105728");
    }

    #[test]
    fn a_half_is_rounded_up() {
        let rounded = [(5, 2), (4, 3), (5, 3), (-5, 2), (-7, 4)].map(|(n, d)| divide_half_up(n, d));
        assert_eq!(rounded, [3, 1, 2, -2, -2].map(Some));
        assert_eq!(divide_half_up(1, 0), None);
    }
}
