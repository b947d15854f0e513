//! Lines of `candump -l`: `(seconds) interface id#data`.

use super::{
    CLASSIC_DATA_BYTES_MAX, DATA_BYTES_MAX, ERROR_FLAG, EXTENDED_ID_MAX, Frame, STANDARD_ID_MAX,
};
use crate::decode::{DecodeError, Found};

/// A frame of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged<'a> {
    /// When it was received, in nanoseconds since the Unix epoch, or since whatever the log counts from.
    pub ts_ns: i64,
    /// On which interface.
    pub interface: &'a str,
    /// The frame.
    pub frame: Frame,
}

/// Reads a line.
///
/// The data of a classic frame is `id#00112233`, where points may stand between bytes and `_9` to `_F` behind them; a
/// remote frame is `id#R` or `id#R4`; a CAN FD frame is `id##` and a digit of flags before its data. A direction, `R` or
/// `T`, may stand behind the frame.
///
/// # Errors
/// The line is no such line; the error says where.
pub fn candump(line: &[u8]) -> Result<Logged<'_>, DecodeError> {
    let mut text = Text { line, at: 0 };
    text.blanks();
    text.byte(b'(', "'(' before the time")?;
    let ts_ns = text.time()?;
    text.byte(b')', "')' behind the time")?;
    let interface = text.word("an interface behind the time")?;
    text.blanks();
    let frame = text.frame()?;
    text.blanks();
    if matches!(text.rest(), [b'R' | b'T', ..]) {
        text.at += 1;
        text.blanks();
    }
    match text.rest() {
        [] => Ok(Logged { ts_ns, interface, frame }),
        _ => Err(text.unexpected("the end of the line behind the frame")),
    }
}

struct Text<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> DecodeError {
        let found = match self.rest() {
            [byte, ..] => Found::Type(*byte),
            [] => Found::End(self.line.len()),
        };
        let resume = Some(self.line.len());
        DecodeError { offset: self.at.min(self.line.len()) as u64, expected, found, resume }
    }

    fn blanks(&mut self) {
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    fn byte(&mut self, byte: u8, expected: &'static str) -> Result<(), DecodeError> {
        match self.rest().first() {
            Some(found) if *found == byte => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, DecodeError> {
        self.blanks();
        let rest = self.rest();
        let bytes = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        match rest.get(..bytes).and_then(|word| std::str::from_utf8(word).ok()) {
            Some(word) if !word.is_empty() => {
                self.at += bytes;
                Ok(word)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Digits as a number, and how many there are.
    fn digits(&mut self, expected: &'static str) -> Result<(i64, u32), DecodeError> {
        let (mut number, mut count) = (0_i64, 0);
        while let Some(digit) = self.rest().first().filter(|byte| byte.is_ascii_digit()) {
            let digit = i64::from(digit - b'0');
            number = number
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(digit))
                .ok_or_else(|| self.unexpected(expected))?;
            self.at += 1;
            count += 1;
        }
        if count == 0 { Err(self.unexpected(expected)) } else { Ok((number, count)) }
    }

    fn time(&mut self) -> Result<i64, DecodeError> {
        const EXPECTED: &str = "seconds with up to nine digits behind the point";
        let (seconds, _) = self.digits(EXPECTED)?;
        let mut ns = 0;
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            let (fraction, digits) = self.digits(EXPECTED)?;
            let below = 9_u32.checked_sub(digits).ok_or_else(|| self.unexpected(EXPECTED))?;
            ns = fraction * 10_i64.pow(below);
        }
        seconds
            .checked_mul(1_000_000_000)
            .and_then(|seconds| seconds.checked_add(ns))
            .ok_or_else(|| self.unexpected(EXPECTED))
    }

    fn hex_digit(&mut self) -> Option<u8> {
        let digit = char::from(*self.rest().first()?).to_digit(16)?;
        self.at += 1;
        Some(digit as u8)
    }

    fn id(&mut self) -> Result<Frame, DecodeError> {
        const EXPECTED: &str = "an identifier of 3 or 8 hexadecimal digits";
        let (from, mut id) = (self.at, 0_u32);
        while let Some(digit) = self.hex_digit() {
            if self.at - from > 8 {
                return Err(self.unexpected(EXPECTED));
            }
            id = id << 4 | u32::from(digit);
        }
        let (is_extended, is_error) = match self.at - from {
            3 => (false, false),
            8 => (id & ERROR_FLAG == 0, id & ERROR_FLAG != 0),
            _ => return Err(self.unexpected(EXPECTED)),
        };
        let id = if is_error { id & !ERROR_FLAG } else { id };
        let max = if is_extended || is_error { EXTENDED_ID_MAX } else { STANDARD_ID_MAX };
        if id > max {
            self.at = from;
            let (expected, found) = ("an identifier of 11 or 29 bits", Found::Value(u64::from(id)));
            return Err(DecodeError { expected, found, ..self.unexpected("") });
        }
        let data = [0; DATA_BYTES_MAX];
        Ok(Frame { id, is_extended, is_error, is_remote: false, length: 0, data })
    }

    fn frame(&mut self) -> Result<Frame, DecodeError> {
        let mut frame = self.id()?;
        self.byte(b'#', "'#' behind the identifier")?;
        let mut bytes_max = CLASSIC_DATA_BYTES_MAX;
        match self.rest() {
            [b'#', b'#', ..] => return Err(self.unexpected("a frame of CAN or CAN FD, not CAN XL")),
            [b'#', ..] => {
                self.at += 1;
                self.hex_digit().ok_or_else(|| self.unexpected("a digit of CAN FD's flags"))?;
                bytes_max = DATA_BYTES_MAX;
            }
            [b'R' | b'r', ..] => {
                self.at += 1;
                frame.is_remote = true;
                if let Some(length @ b'0'..=b'8') = self.rest().first() {
                    frame.length = length - b'0';
                    self.at += 1;
                }
                return self.raw_length().map(|()| frame);
            }
            _ => {}
        }
        let mut length = 0;
        while !matches!(self.rest(), [] | [b'_', ..]) && !self.rest()[0].is_ascii_whitespace() {
            if length > 0 && self.rest().first() == Some(&b'.') {
                self.at += 1;
            }
            let high = self.hex_digit().ok_or_else(|| self.unexpected("hexadecimal data"))?;
            let low = self.hex_digit().ok_or_else(|| self.unexpected("two digits for a byte"))?;
            match frame.data.get_mut(length) {
                Some(byte) if length < bytes_max => *byte = high << 4 | low,
                _ => return Err(self.unexpected("no more data than the frame can have")),
            }
            length += 1;
        }
        frame.length = length as u8;
        self.raw_length().map(|()| frame)
    }

    /// A length field above 8, which the standard allows a frame of 8 bytes.
    fn raw_length(&mut self) -> Result<(), DecodeError> {
        if self.rest().first() != Some(&b'_') {
            return Ok(());
        }
        self.at += 1;
        match self.hex_digit() {
            Some(9..) => Ok(()),
            _ => Err(self.unexpected("a length field of 9 to F")),
        }
    }
}
