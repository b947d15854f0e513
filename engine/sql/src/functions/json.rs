//! JSON: what a path finds in a text, and values as JSON. What is no JSON is NULL where a value is asked for.

use std::fmt::Write as _;
use std::sync::Arc;

use tidewire_event::DataType;
use tidewire_event::text::write_decimal;

use super::cast::write::write as write_value;
use super::encoding::{shown, to_base64};
use super::json_path::Path;
use super::json_text::{self, follow, whole};
use super::signature::Builder;
use super::signature::Kind::Text;
use super::{Binding, Call, Function};
use crate::code::{Code, Env, bool, bytes};
use crate::datum::{self, Datum};
use crate::error::{Span, SqlError};
use crate::items;
use crate::zone::Zone;

macro_rules! is_json {
    ($name:literal, $first:expr) => {
        Function {
            name: $name,
            usage: concat!("text ", $name),
            bind: |b| Ok((b.takes(1, &[Text], DataType::Boolean)?.0, false)),
            compile: |call| {
                let text = call.bytes(0)?;
                Ok(bool(move |env| {
                    let first = text(env).and_then(whole).and_then(|value| value.first());
                    Some(first.is_some_and($first))
                }))
            },
        }
    };
}

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "JSON_VALUE",
        usage: "JSON_VALUE(text, path)",
        bind: |b| with_path(b, &[Text, Text], DataType::String),
        compile: json_value,
    },
    Function {
        name: "JSON_QUERY",
        usage: "JSON_QUERY(text, path [, wrapper])",
        bind: |b| {
            let bound = with_path(b, &[Text, Text, Text], DataType::String)?;
            if b.args.len() == 3 && b.constant_text(2).and_then(Wrapper::of_name).is_none() {
                return Err(b.wrong(2, "WITHOUT, WITH or CONDITIONAL"));
            }
            Ok(bound)
        },
        compile: json_query,
    },
    Function {
        name: "JSON_EXISTS",
        usage: "JSON_EXISTS(text, path)",
        bind: |b| with_path(b, &[Text, Text], DataType::Boolean),
        compile: json_exists,
    },
    Function {
        name: "JSON_QUOTE",
        usage: "JSON_QUOTE(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| {
            let at = call.at;
            call.bytes_of_bytes(move |env, text| {
                let mut quoted = Builder::new(env);
                json_text::quote(text, &mut quoted, true);
                quoted.finish(env, at)
            })
        },
    },
    Function {
        name: "JSON_UNQUOTE",
        usage: "JSON_UNQUOTE(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| {
            let at = call.at;
            call.bytes_of_bytes(move |env, text| {
                if text.first() != Some(&b'"') || whole(text) != Some(text) {
                    return Some(text);
                }
                let mut plain = Builder::new(env);
                json_text::unescape(text, |piece| plain.push(piece));
                plain.finish(env, at)
            })
        },
    },
    Function {
        name: "JSON_STRING",
        usage: "JSON_STRING(value)",
        bind: |b| {
            b.count(1..=1)?;
            Ok((DataType::String, b.nullable()))
        },
        compile: |call| {
            let (at, zone) = (call.at, Zone::new(&call.session.zone));
            let ty = call.args.first().map_or(DataType::Null, |arg| arg.ty.clone());
            let code = call.codes.first().cloned();
            Ok(bytes(move |env| {
                let value = datum::run(code.as_ref()?, env)?;
                let mut json = Builder::new(env);
                match put(&mut json, Some(value), &ty, &zone) {
                    Some(()) => json.finish(env, at),
                    None => env.fail(at, || format!("a value of {ty} is too long for JSON")),
                }
            }))
        },
    },
    is_json!("IS JSON", |_| true),
    is_json!("IS JSON VALUE", |_| true),
    is_json!("IS JSON OBJECT", |first| *first == b'{'),
    is_json!("IS JSON ARRAY", |first| *first == b'['),
    is_json!("IS JSON SCALAR", |first| !matches!(*first, b'{' | b'[')),
];

/// Takes a text and a path, which is read now if it is a constant.
fn with_path(
    b: &mut Binding<'_>,
    kinds: &[super::signature::Kind],
    ty: DataType,
) -> Result<(DataType, bool), SqlError> {
    let bound = b.takes_or_null(2, kinds, ty)?;
    if let Some(path) = b.constant_text(1) {
        Path::of_text(path).map_err(|problem| SqlError::new(b.place(1), problem))?;
    }
    Ok(bound)
}

type WithPath = Arc<dyn for<'a> Fn(&Env<'a>) -> Option<Found<'a>> + Send + Sync>;

/// What a path leads to.
struct Found<'a> {
    /// The last of the values.
    value: Option<&'a [u8]>,
    /// All, where it can lead to many.
    all: Option<bumpalo::collections::Vec<'a, &'a [u8]>>,
}

/// Code that follows the path of a call; NULL where the text is NULL or no JSON.
fn found(call: &Call<'_>) -> Result<WithPath, SqlError> {
    let (text, at) = (call.bytes(0)?, call.at);
    if let Some(path) = call.constant_text(1) {
        let path = Path::of_text(path).map_err(|problem| SqlError::new(at, problem))?;
        return Ok(Arc::new(move |env| follow_path(env, text(env)?, &path)));
    }
    let path = call.bytes(1)?;
    Ok(Arc::new(move |env| {
        let (text, path) = (text(env)?, path(env)?);
        follow_path(env, text, &read_path(env, at, path)?)
    }))
}

/// A path that came with the row.
fn read_path(env: &Env<'_>, at: Span, path: &[u8]) -> Option<Path> {
    let read = std::str::from_utf8(path)
        .map_err(|_| format!("{:?} is no UTF-8", shown(path)))
        .and_then(Path::of_text);
    read.map_or_else(|problem| env.fail(at, || problem), Some)
}

fn follow_path<'a>(env: &Env<'a>, text: &'a [u8], path: &Path) -> Option<Found<'a>> {
    let value = whole(text)?;
    let mut found = Found { value: None, all: None };
    if path.is_many() {
        let mut all = bumpalo::collections::Vec::new_in(env.scratch);
        follow(value, &path.steps, &mut |value| all.push(value));
        found.all = Some(all);
    } else {
        follow(value, &path.steps, &mut |value| found.value = Some(value));
    }
    Some(found)
}

/// A scalar as text; NULL for others, and where there is nothing.
fn json_value(call: &Call<'_>) -> Result<Code, SqlError> {
    let (found, at) = (found(call)?, call.at);
    Ok(bytes(move |env| {
        let value = found(env)?.value?;
        let mut text = Builder::new(env);
        match value.first()? {
            b'{' | b'[' | b'n' => return None,
            b'"' => json_text::unescape(value, |piece| text.push(piece)),
            b't' | b'f' => return Some(value),
            _ => json_text::number(value, &mut text),
        }
        text.finish(env, at)
    }))
}

/// What JSON_QUERY puts into brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapper {
    Without,
    With,
    Conditional,
}

impl Wrapper {
    fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_uppercase().as_str() {
            "WITHOUT" => Self::Without,
            "WITH" => Self::With,
            "CONDITIONAL" => Self::Conditional,
            _ => return None,
        })
    }
}

/// An object or an array as JSON; NULL for scalars that are not wrapped, and where there is nothing.
fn json_query(call: &Call<'_>) -> Result<Code, SqlError> {
    let (found, at) = (found(call)?, call.at);
    let wrapper = call.constant_text(2).and_then(Wrapper::of_name).unwrap_or(Wrapper::Without);
    Ok(bytes(move |env| {
        let found = found(env)?;
        let is_array = found.all.is_some() || found.value?.first() == Some(&b'[');
        let is_nested = is_array || found.value?.first() == Some(&b'{');
        if found.all.is_none() && found.value?.first() == Some(&b'n') {
            return None;
        }
        let wrapped = match wrapper {
            Wrapper::Without if !is_nested => return None,
            Wrapper::Without => false,
            Wrapper::With => true,
            Wrapper::Conditional => !is_nested,
        };
        let mut json = Builder::new(env);
        json.push(if wrapped { b"[" } else { b"" });
        match (&found.all, found.value) {
            (Some(all), _) => {
                json.push(b"[");
                for (at, value) in all.iter().enumerate() {
                    json.push(if at > 0 { b"," } else { b"" });
                    json_text::copy(value, env.scratch, &mut json);
                }
                json.push(b"]");
            }
            (None, Some(value)) => json_text::copy(value, env.scratch, &mut json),
            (None, None) => {}
        }
        json.push(if wrapped { b"]" } else { b"" });
        json.finish(env, at)
    }))
}

/// A path that can lead to many values exists; a null does not.
fn json_exists(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, found) = (call.bytes(0)?, found(call)?);
    Ok(bool(move |env| {
        text(env)?;
        let Some(found) = found(env) else { return Some(false) };
        let is_value = found.value.is_some_and(|value| value.first() != Some(&b'n'));
        Some(found.all.is_some() || is_value)
    }))
}

/// Appends a value as JSON. `None`: it has become too long.
fn put(json: &mut Builder<'_>, value: Option<Datum<'_>>, ty: &DataType, zone: &Zone) -> Option<()> {
    let Some(value) = value else { return json.push_all(b"null") };
    match (value, ty) {
        (Datum::Bytes(mut rest), DataType::Array(of)) => {
            json.push(b"[");
            for at in 0..items::take_count(&mut rest)? {
                json.push(if at > 0 { b"," } else { b"" });
                put(json, items::take(&mut rest, of)?, of, zone)?;
            }
            json.push_all(b"]")
        }
        (Datum::Bytes(mut rest), DataType::Map(key, of)) => {
            json.push(b"{");
            for at in 0..items::take_count(&mut rest)? {
                json.push(if at > 0 { b"," } else { b"" });
                put_key(json, items::take(&mut rest, key)?, key, zone)?;
                json.push(b":");
                put(json, items::take(&mut rest, of)?, of, zone)?;
            }
            json.push_all(b"}")
        }
        (Datum::Bytes(mut rest), DataType::Row(fields)) => {
            json.push(b"{");
            for (at, field) in fields.iter().enumerate() {
                json.push(if at > 0 { b"," } else { b"" });
                json_text::quote(field.name.as_bytes(), json, false);
                json.push(b":");
                put(json, items::take(&mut rest, &field.ty)?, &field.ty, zone)?;
            }
            json.push_all(b"}")
        }
        (Datum::Bytes(text), DataType::Bytes) => {
            json.push(b"\"");
            to_base64(text, json);
            json.push_all(b"\"")
        }
        (Datum::Bytes(text), _) => {
            json_text::quote(text, json, false);
            Some(())
        }
        (Datum::Bool(value), _) => write!(json, "{value}").ok(),
        (value, DataType::Decimal { scale, .. }) => write_decimal(json, value.wide()?, *scale).ok(),
        (Datum::Int(value), ty) if ty.is_integer() => write!(json, "{value}").ok(),
        (Datum::Float(value), _) if value.is_finite() => {
            write_value(json, Datum::Float(value), ty, zone).ok()
        }
        (value, ty) => put_key(json, Some(value), ty, zone),
    }
}

/// Appends a value as a string of JSON.
fn put_key(
    json: &mut Builder<'_>,
    value: Option<Datum<'_>>,
    ty: &DataType,
    zone: &Zone,
) -> Option<()> {
    match value {
        Some(Datum::Bytes(text)) if ty.is_text() => json_text::quote(text, json, false),
        Some(value) => {
            json.push(b"\"");
            write_value(json, value, ty, zone).ok()?;
            json.push(b"\"");
        }
        None => json.push(b"\"null\""),
    }
    Some(())
}
