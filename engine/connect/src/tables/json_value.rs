//! Values inside JSON: strings with escapes, arrays, maps and rows.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidewire_event::{DataType, Value};

use super::text::{Bad, Scalar};

/// Reads a string, between its quotes, into `text`. It must be one of valid JSON.
pub(super) fn unescape(inner: &[u8], text: &mut Vec<u8>) -> Result<(), Bad> {
    text.clear();
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, from) = rest.split_at(at);
        text.extend(plain);
        let (char, behind) = match from {
            [_, b'u', code @ ..] => unicode(code)?,
            [_, letter, behind @ ..] => match letter {
                b'n' => ('\n', behind),
                b't' => ('\t', behind),
                b'r' => ('\r', behind),
                b'b' => ('\u{8}', behind),
                b'f' => ('\u{c}', behind),
                // A quote, or one of the two slashes.
                other => (char::from(*other), behind),
            },
            _ => return Err(Bad::Type),
        };
        text.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = behind;
    }
    text.extend(rest);
    Ok(())
}

/// The character of four digits behind `\u`, or of two such of which the first is the high surrogate.
fn unicode(code: &[u8]) -> Result<(char, &[u8]), Bad> {
    let digits = |code: &[u8]| {
        let text = std::str::from_utf8(code.get(..4)?).ok()?;
        u32::from_str_radix(text, 16).ok()
    };
    let first = digits(code).ok_or(Bad::Type)?;
    let behind = &code[4..];
    match (first, behind) {
        (0xD800..=0xDBFF, [b'\\', b'u', low @ ..]) => {
            let second = digits(low).filter(|it| (0xDC00..=0xDFFF).contains(it));
            let second = second.ok_or(Bad::Utf8)?;
            let both = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            char::from_u32(both).map(|char| (char, &low[4..])).ok_or(Bad::Utf8)
        }
        _ => char::from_u32(first).map(|char| (char, behind)).ok_or(Bad::Utf8),
    }
}

/// Reads a value of any type.
pub(super) fn nested(ty: &DataType, json: &[u8]) -> Result<Value, Bad> {
    let bad = |_| Bad::Type;
    if json == b"null" {
        return Ok(Value::Null);
    }
    match ty {
        DataType::Array(of) => {
            let items: Vec<&RawValue> = serde_json::from_slice(json).map_err(bad)?;
            let items = items.into_iter().map(|item| nested(of, item.get().as_bytes()));
            items.collect::<Result<_, _>>().map(Value::List)
        }
        DataType::Map(key_type, value_type) => {
            let Entries(entries) = serde_json::from_slice(json).map_err(bad)?;
            let entry = |(name, value): (String, &RawValue)| {
                let key = Scalar::read(key_type, name.as_bytes(), &mut Vec::new())?.to_value();
                Ok((key, nested(value_type, value.get().as_bytes())?))
            };
            entries.into_iter().map(entry).collect::<Result<_, _>>().map(Value::Map)
        }
        DataType::Row(fields) => {
            let Entries(entries) = serde_json::from_slice(json).map_err(bad)?;
            let values: BTreeMap<_, _> = entries.into_iter().collect();
            let value = |(name, ty): (&String, &DataType)| match values.get(name) {
                Some(value) => nested(ty, value.get().as_bytes()),
                None => Ok(Value::Null),
            };
            let fields = fields.iter().map(|field| value((&field.name, &field.ty)));
            fields.collect::<Result<_, _>>().map(Value::List)
        }
        _ => {
            let mut scratch = Vec::new();
            match json {
                [b'"', inner @ .., b'"'] => {
                    let mut text = Vec::new();
                    unescape(inner, &mut text)?;
                    Scalar::read(ty, &text, &mut scratch).map(Scalar::to_value)
                }
                text => Scalar::read(ty, text, &mut scratch).map(Scalar::to_value),
            }
        }
    }
}

/// The entries of an object, in their order.
struct Entries<'j>(Vec<(String, &'j RawValue)>);

impl<'de: 'j, 'j> Deserialize<'de> for Entries<'j> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Appends a value as JSON, with `between` a date and a time.
pub(super) fn write(value: &Value, ty: &DataType, between: char, out: &mut String) -> fmt::Result {
    match (value, ty) {
        (Value::List(items), DataType::Array(of)) => {
            for (at, item) in items.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                write(item, of, between, out)?;
            }
            out.push_str(if items.is_empty() { "[]" } else { "]" });
            Ok(())
        }
        (Value::List(values), DataType::Row(fields)) => {
            for (at, (value, field)) in values.iter().zip(fields).enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                write_string(&field.name, out);
                out.push(':');
                write(value, &field.ty, between, out)?;
            }
            out.push_str(if values.is_empty() { "{}" } else { "}" });
            Ok(())
        }
        (Value::Map(entries), DataType::Map(key_type, value_type)) => {
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push(if at == 0 { '{' } else { ',' });
                let mut name = String::new();
                match Scalar::of_value(key) {
                    Some(key) => key.write(key_type, between, &mut name)?,
                    // A key that is NULL has no form in JSON.
                    None => return Err(fmt::Error),
                }
                write_string(&name, out);
                out.push(':');
                write(value, value_type, between, out)?;
            }
            out.push_str(if entries.is_empty() { "{}" } else { "}" });
            Ok(())
        }
        (value, ty) => match Scalar::of_value(value) {
            Some(scalar) => write_scalar(scalar, ty, between, out),
            None => out.write_str("null"),
        },
    }
}

/// Appends a value that is not nested: numbers and booleans as they are, all else as a string.
pub(super) fn write_scalar(
    scalar: Scalar<'_>,
    ty: &DataType,
    between: char,
    out: &mut String,
) -> fmt::Result {
    let is_bare = match scalar {
        Scalar::Float(number) => number.is_finite(),
        _ => ty.is_numeric() || *ty == DataType::Boolean,
    };
    if let (Scalar::Bytes(text), true) = (scalar, ty.is_text()) {
        match std::str::from_utf8(text) {
            Ok(text) => write_string(text, out),
            Err(_) => write_string(&String::from_utf8_lossy(text), out),
        }
        return Ok(());
    }
    // None of these has a character that JSON escapes.
    if !is_bare {
        out.push('"');
    }
    scalar.write(ty, between, out)?;
    if !is_bare {
        out.push('"');
    }
    Ok(())
}

/// Appends a string in quotes.
pub(super) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = from.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\t') => out.push_str("\\t"),
            Some('\r') => out.push_str("\\r"),
            Some(other) => {
                // A String takes whatever is written.
                let _ = write!(out, "\\u{:04x}", other as u32);
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_they_were_written() {
        let read = |inner: &str| {
            let mut text = Vec::new();
            unescape(inner.as_bytes(), &mut text).map(|()| String::from_utf8(text).unwrap())
        };
        for text in ["", "a\"b\\c/\n\t\r\u{8}\u{c}\u{1}é😀", "\\", "\\u0041"] {
            let mut written = String::new();
            write_string(text, &mut written);
            assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            assert_eq!(read(&written[1..written.len() - 1]).unwrap(), text);
        }
        assert_eq!(read(r"\/\u00e9\uD83D\uDE00\b\f").unwrap(), "/é😀\u{8}\u{c}");
        for lone in [r"\uD83D", r"\uD83Dx", r"\uD83D\u0041", r"\uDE00"] {
            assert_eq!(read(lone), Err(Bad::Utf8), "{lone}");
        }
    }
}
