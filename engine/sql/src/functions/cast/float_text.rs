//! Floating point as text, as Java writes it: the least digits that are read back as the same number, with one behind
//! the point at least, and with an exponent below 0.001 and from 10^7 on.

use std::fmt::{self, Write};

/// The longest text of a number: sign, 17 digits, point, exponent, or a decimal of 38 digits.
const BYTES_MAX: usize = 64;

/// A short text on the stack.
pub(crate) struct Short {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl Short {
    /// What `write` writes.
    pub(crate) fn new(write: impl FnOnce(&mut Self) -> fmt::Result) -> Option<Self> {
        let mut short = Self { bytes: [0; BYTES_MAX], length: 0 };
        write(&mut short).ok()?;
        Some(short)
    }

    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Writes a number; `is_float` says that it is one of 32 bits.
pub(crate) fn write_float(out: &mut impl Write, value: f64, is_float: bool) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let scientific = Short::new(|text| match is_float {
        true => write!(text, "{:e}", value as f32),
        false => write!(text, "{value:e}"),
    });
    let scientific = scientific.ok_or(fmt::Error)?;
    let (mantissa, exponent) = scientific.as_str().split_once('e').ok_or(fmt::Error)?;
    let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
    if value != 0.0 && !(-3..7).contains(&exponent) {
        let point = if mantissa.contains('.') { "" } else { ".0" };
        return write!(out, "{mantissa}{point}E{exponent}");
    }
    // Within these bounds Display writes all digits, and no more than are needed.
    let plain = Short::new(|text| match is_float {
        true => write!(text, "{}", value as f32),
        false => write!(text, "{value}"),
    });
    let plain = plain.ok_or(fmt::Error)?;
    let point = if plain.as_str().contains('.') { "" } else { ".0" };
    write!(out, "{}{point}", plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_java_writes_it() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (123_456.5, "123456.5"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (1.5e10, "1.5E10"),
            (0.001, "0.001"),
            (0.000_999, "9.99E-4"),
            (1e-10, "1.0E-10"),
            (-1.234_567_890_123_456_7e300, "-1.2345678901234567E300"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (value, wanted) in cases {
            let mut text = String::new();
            write_float(&mut text, value, false).unwrap();
            assert_eq!(text, wanted);
        }
        let mut text = String::new();
        write_float(&mut text, 0.1_f32.into(), true).unwrap();
        assert_eq!(text, "0.1");
    }
}
