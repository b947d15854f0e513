//! Texts and numbers as other bytes: character codes, character sets, base 64, hexadecimal, URLs' percent signs.

use tidewire_event::DataType;

use super::signature::Kind::{Bytes, Int, Text};
use super::signature::{Builder, utf8};
use super::{Binding, Call, Function};
use crate::code::{Code, Env, bytes};
use crate::error::{Span, SqlError};

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "ASCII",
        usage: "ASCII(text)",
        bind: |b| b.takes(1, &[Text], DataType::Int),
        // The first byte, as a signed one: Flink's.
        compile: |call| {
            call.map_bytes(|_, text| Some(text.first().map_or(0, |byte| i64::from(*byte as i8))))
        },
    },
    Function {
        name: "CHR",
        usage: "CHR(code)",
        bind: |b| b.takes(1, &[Int], DataType::String),
        compile: chr,
    },
    Function {
        name: "ENCODE",
        usage: "ENCODE(text, charset)",
        bind: |b| with_charset(b, Text, DataType::Bytes),
        compile: |call| {
            let (text, charset, at) = (call.bytes(0)?, call.bytes(1)?, call.at);
            Ok(bytes(move |env| encode(env, at, text(env)?, charset(env)?)))
        },
    },
    Function {
        name: "DECODE",
        usage: "DECODE(bytes, charset)",
        bind: |b| with_charset(b, Bytes, DataType::String),
        compile: |call| {
            let (text, charset, at) = (call.bytes(0)?, call.bytes(1)?, call.at);
            Ok(bytes(move |env| decode(env, at, text(env)?, charset(env)?)))
        },
    },
    Function {
        name: "TO_BASE64",
        usage: "TO_BASE64(text)",
        bind: |b| b.takes(1, &[Bytes], DataType::String),
        compile: |call| {
            let at = call.at;
            call.bytes_of_bytes(move |env, text| {
                let mut encoded = Builder::new(env);
                to_base64(text, &mut encoded);
                encoded.finish(env, at)
            })
        },
    },
    Function {
        name: "FROM_BASE64",
        usage: "FROM_BASE64(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| {
            let at = call.at;
            call.bytes_of_bytes(move |env, text| {
                let mut decoded = Builder::new(env);
                match from_base64(text, &mut decoded) {
                    Some(()) => decoded.finish(env, at),
                    None => env.fail(at, || format!("{:?} is no base 64", shown(text))),
                }
            })
        },
    },
    Function {
        name: "HEX",
        usage: "HEX(text, bytes or whole number)",
        bind: |b| {
            let kind =
                if matches!(b.ty(0), DataType::Bytes) || b.ty(0).is_text() { Bytes } else { Int };
            b.takes(1, &[kind], DataType::String)
        },
        compile: hex,
    },
    Function {
        name: "UNHEX",
        usage: "UNHEX(text)",
        bind: |b| b.takes_or_null(1, &[Text], DataType::Bytes),
        compile: |call| call.bytes_of_bytes(unhex),
    },
    Function {
        name: "BIN",
        usage: "BIN(whole number)",
        bind: |b| b.takes(1, &[Int], DataType::String),
        compile: |call| {
            let number = call.int(0)?;
            Ok(bytes(move |env| {
                let number = number(env)?;
                env.written(|out| std::fmt::Write::write_fmt(out, format_args!("{number:b}")))
            }))
        },
    },
    Function {
        name: "URL_ENCODE",
        usage: "URL_ENCODE(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| {
            let at = call.at;
            call.bytes_of_bytes(move |env, text| {
                let mut encoded = Builder::new(env);
                for byte in text {
                    match byte {
                        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                            encoded.push(&[*byte]);
                        }
                        b' ' => encoded.push(b"+"),
                        byte => encoded.push(&[b'%', digit(byte >> 4), digit(byte & 15)]),
                    }
                }
                encoded.finish(env, at)
            })
        },
    },
    Function {
        name: "URL_DECODE",
        usage: "URL_DECODE(text)",
        bind: |b| b.takes_or_null(1, &[Text], DataType::String),
        compile: |call| {
            let at = call.at;
            call.bytes_of_bytes(move |env, text| url_decode(env, at, text))
        },
    },
];

/// A text as an error shows it.
pub(crate) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..80).unwrap_or(text)).into_owned()
}

/// The low 8 bits are a character of Latin 1; a negative code is no character.
fn chr(call: &Call<'_>) -> Result<Code, SqlError> {
    let code = call.int(0)?;
    Ok(bytes(move |env| {
        let code = code(env)?;
        if code < 0 {
            return Some(&[]);
        }
        let c = char::from((code & 0xff) as u8);
        Some(env.text(c.encode_utf8(&mut [0; 4]).as_bytes()))
    }))
}

const CHARSETS: [&str; 6] = ["UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16", "UTF-16BE", "UTF-16LE"];

fn with_charset(
    b: &mut Binding<'_>,
    kind: super::signature::Kind,
    ty: DataType,
) -> Result<(DataType, bool), SqlError> {
    let bound = b.takes(2, &[kind, Text], ty)?;
    match b.constant_text(1) {
        Some(name) if !CHARSETS.iter().any(|charset| charset.eq_ignore_ascii_case(name)) => {
            let problem = format!("there is no character set '{name}'");
            Err(SqlError::new(b.place(1), problem).nearest(name, CHARSETS))
        }
        _ => Ok(bound),
    }
}

/// The number of a character set in [`CHARSETS`].
fn charset(env: &Env<'_>, at: Span, name: &[u8]) -> Option<usize> {
    match CHARSETS.iter().position(|charset| name.eq_ignore_ascii_case(charset.as_bytes())) {
        Some(number) => Some(number),
        None => env.fail(at, || format!("there is no character set {:?}", shown(name))),
    }
}

/// What a character set does not have is a question mark.
fn encode<'a>(env: &Env<'a>, at: Span, text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (set, text) = (charset(env, at, name)?, utf8(env, at, text)?);
    let mut encoded = Builder::new(env);
    match set {
        0 => return Some(text.as_bytes()),
        1 | 2 => {
            let most = if set == 1 { '\x7f' } else { '\u{ff}' };
            for c in text.chars() {
                encoded.push(&[if c <= most { c as u8 } else { b'?' }]);
            }
        }
        _ => {
            if set == 3 {
                encoded.push(&[0xfe, 0xff]);
            }
            for unit in text.encode_utf16() {
                encoded.push(&if set == 5 { unit.to_le_bytes() } else { unit.to_be_bytes() });
            }
        }
    }
    encoded.finish(env, at)
}

/// What is no character becomes the replacement character.
fn decode<'a>(env: &Env<'a>, at: Span, text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let set = charset(env, at, name)?;
    let mut decoded = Builder::new(env);
    match set {
        0 => {
            for chunk in text.utf8_chunks() {
                decoded.push(chunk.valid().as_bytes());
                if !chunk.invalid().is_empty() {
                    decoded.push_char(char::REPLACEMENT_CHARACTER);
                }
            }
        }
        1 | 2 => {
            for byte in text {
                let known = set == 2 || byte.is_ascii();
                let c = if known { char::from(*byte) } else { char::REPLACEMENT_CHARACTER };
                decoded.push_char(c);
            }
        }
        _ => {
            let (little, text) = match (set, text) {
                (3, [0xff, 0xfe, rest @ ..]) => (true, rest),
                (3, [0xfe, 0xff, rest @ ..]) => (false, rest),
                (set, text) => (set == 5, text),
            };
            let units = text.chunks(2).map(|pair| match pair {
                [a, b] if little => u16::from_le_bytes([*a, *b]),
                [a, b] => u16::from_be_bytes([*a, *b]),
                // Half a surrogate pair: no character.
                _ => 0xd800,
            });
            for c in char::decode_utf16(units) {
                decoded.push_char(c.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
    }
    decoded.finish(env, at)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `text` in base 64.
pub(crate) fn to_base64(text: &[u8], encoded: &mut Builder<'_>) {
    for three in text.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let four = [18, 12, 6, 0].map(|shift| BASE64[(bits >> shift & 63) as usize]);
        encoded.push(&four[..=three.len()]);
        encoded.push(&b"=="[..3 - three.len()]);
    }
}

fn from_base64(text: &[u8], decoded: &mut Builder<'_>) -> Option<()> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len() - padding)?;
    if padding > 2 || padding > 0 && !text.len().is_multiple_of(4) {
        return None;
    }
    for four in digits.chunks(4) {
        let mut bits = 0_u32;
        for byte in four {
            bits = bits << 6 | BASE64.iter().position(|digit| digit == byte)? as u32;
        }
        bits <<= 6 * (4 - four.len());
        let three = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
        decoded.push(three.get(..four.len().checked_sub(1).filter(|count| *count > 0)?)?);
    }
    Some(())
}

/// A hexadecimal digit.
fn digit(value: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(value & 15)]
}

fn value_of(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

fn hex(call: &Call<'_>) -> Result<Code, SqlError> {
    if let Ok(number) = call.int(0) {
        return Ok(bytes(move |env| {
            let number = number(env)?;
            env.written(|out| std::fmt::Write::write_fmt(out, format_args!("{number:X}")))
        }));
    }
    let at = call.at;
    call.bytes_of_bytes(move |env, text| {
        let mut digits = Builder::new(env);
        for byte in text {
            digits.push(&[digit(byte >> 4), digit(byte & 15)]);
        }
        digits.finish(env, at)
    })
}

/// An odd first digit stands for a zero byte: Flink's. What is no digit makes NULL.
fn unhex<'a>(env: &Env<'a>, text: &'a [u8]) -> Option<&'a [u8]> {
    let mut all = env.builder();
    let (odd, pairs) = text.split_at_checked(text.len() % 2)?;
    for digit in odd {
        value_of(*digit)?;
        all.push(0);
    }
    for pair in pairs.chunks_exact(2) {
        all.push(value_of(*pair.first()?)? << 4 | value_of(*pair.last()?)?);
    }
    Some(crate::code::built(all))
}

/// NULL: a percent sign without two digits. Bytes that are no text become replacement characters.
fn url_decode<'a>(env: &Env<'a>, at: Span, text: &[u8]) -> Option<&'a [u8]> {
    let mut decoded = Builder::new(env);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => value_of(*bytes.next()?)? << 4 | value_of(*bytes.next()?)?,
            byte => *byte,
        };
        decoded.push(&[byte]);
    }
    decode(env, at, decoded.finish(env, at)?, b"UTF-8")
}
