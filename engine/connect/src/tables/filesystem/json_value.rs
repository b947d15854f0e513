//! Values inside JSON: strings with escapes, arrays, maps and rows.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tidewire_event::{DataType, Value};

use super::super::text::{Bad, Scalar};

/// The text of a string, between its quotes.
pub(super) fn unescape(inner: &[u8]) -> Result<String, Bad> {
    let whole = [b"\"", inner, b"\""].concat();
    serde_json::from_slice(&whole).map_err(|_| Bad::Utf8)
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
                    let text = unescape(inner)?;
                    Scalar::read(ty, text.as_bytes(), &mut scratch).map(Scalar::to_value)
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
