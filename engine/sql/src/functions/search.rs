//! Text: lengths, places, pieces, and what replaces them.

use tidewire_event::DataType;

use super::chars;
use super::signature::Builder;
use super::signature::Kind::{Bytes, Int, Text};
use super::{Binding, Call, Function};
use crate::code::{Code, bytes, int};
use crate::error::SqlError;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "CHAR_LENGTH",
        usage: "CHAR_LENGTH(text)",
        bind: |b| b.takes(1, &[Text], DataType::Int),
        compile: length,
    },
    Function {
        name: "CHARACTER_LENGTH",
        usage: "CHARACTER_LENGTH(text)",
        bind: |b| b.takes(1, &[Text], DataType::Int),
        compile: length,
    },
    Function {
        name: "LENGTH",
        usage: "LENGTH(text)",
        bind: |b| b.takes(1, &[Text], DataType::Int),
        compile: length,
    },
    Function {
        name: "OCTET_LENGTH",
        usage: "OCTET_LENGTH(text)",
        bind: |b| b.takes(1, &[Bytes], DataType::Int),
        compile: |call| call.map_bytes(|_, text| i64::try_from(text.len()).ok()),
    },
    Function {
        name: "POSITION",
        usage: "POSITION(piece, text [, from])",
        bind: |b| b.takes(2, &[Text, Text, Int], DataType::Int),
        compile: locate,
    },
    Function {
        name: "LOCATE",
        usage: "LOCATE(piece, text [, from])",
        bind: |b| b.takes(2, &[Text, Text, Int], DataType::Int),
        compile: locate,
    },
    Function {
        name: "INSTR",
        usage: "INSTR(text, piece [, from [, nth]])",
        bind: |b| b.takes(2, &[Text, Text, Int, Int], DataType::Int),
        compile: instr,
    },
    Function {
        name: "STARTSWITH",
        usage: "STARTSWITH(text, piece)",
        bind: both,
        compile: |call| call.map2_bytes(|_, text, piece| Some(text.starts_with(piece))),
    },
    Function {
        name: "ENDSWITH",
        usage: "ENDSWITH(text, piece)",
        bind: both,
        compile: |call| call.map2_bytes(|_, text, piece| Some(text.ends_with(piece))),
    },
    Function {
        name: "REPLACE",
        usage: "REPLACE(text, piece, other)",
        bind: |b| b.takes_texts(3..=3),
        compile: replace,
    },
    Function {
        name: "TRANSLATE",
        usage: "TRANSLATE(text, characters, others)",
        bind: translate_type,
        compile: translate,
    },
    Function {
        name: "TRANSLATE3",
        usage: "TRANSLATE3(text, characters, others)",
        bind: translate_type,
        compile: translate,
    },
    Function {
        name: "SPLIT_INDEX",
        usage: "SPLIT_INDEX(text, delimiter, index)",
        bind: |b| {
            if b.ty(1).is_integer() {
                return b.takes_or_null(3, &[Text, Int, Int], DataType::String);
            }
            b.takes_or_null(3, &[Text, Text, Int], DataType::String)
        },
        compile: split_index,
    },
    Function {
        name: "SPLIT",
        usage: "SPLIT(text, delimiter)",
        bind: |b| b.takes(2, &[Text, Text], DataType::Array(Box::new(DataType::String))),
        compile: split,
    },
    Function {
        name: "STR_TO_MAP",
        usage: "STR_TO_MAP(text [, between entries, between key and value])",
        bind: |b| {
            let text = || Box::new(DataType::String);
            if b.args.len() == 2 {
                b.count(3..=3)?;
            }
            b.takes(1, &[Text, Text, Text], DataType::Map(text(), text()))
        },
        compile: str_to_map,
    },
];

fn length(call: &Call<'_>) -> Result<Code, SqlError> {
    call.map_bytes(|_, text| i64::try_from(chars::count(text)).ok())
}

fn locate(call: &Call<'_>) -> Result<Code, SqlError> {
    let (piece, text, from) = (call.bytes(0)?, call.bytes(1)?, call.int_or(2, 1)?);
    Ok(int(move |env| Some(chars::locate(text(env)?, piece(env)?, from(env)?))))
}

fn instr(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, piece) = (call.bytes(0)?, call.bytes(1)?);
    let (from, nth, at) = (call.int_or(2, 1)?, call.int_or(3, 1)?, call.at);
    Ok(int(move |env| {
        let (text, piece, from, nth) = (text(env)?, piece(env)?, from(env)?, nth(env)?);
        if nth <= 0 {
            return env.fail(at, || format!("INSTR of appearance {nth}: they count from 1"));
        }
        Some(chars::nth_place(text, piece, from, nth))
    }))
}

/// Two texts, or two BYTES.
fn both(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.takes(2, &[Bytes, Bytes], DataType::Boolean)?;
    match (b.ty(0) == &DataType::Bytes) == (b.ty(1) == &DataType::Bytes) {
        true => Ok((DataType::Boolean, b.nullable())),
        false => Err(b.no_such()),
    }
}

/// An empty piece stands before, between and behind all characters.
fn replace(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, piece, other, at) = (call.bytes(0)?, call.bytes(1)?, call.bytes(2)?, call.at);
    Ok(bytes(move |env| {
        let (text, piece, other) = (text(env)?, piece(env)?, other(env)?);
        let mut replaced = Builder::new(env);
        if piece.is_empty() {
            replaced.push(other);
            for c in chars::chars(text) {
                replaced.push(c);
                replaced.push(other);
            }
            return replaced.finish(env, at);
        }
        for (index, between) in chars::split(text, piece).enumerate() {
            if index > 0 {
                replaced.push(other);
            }
            replaced.push(between);
            if replaced.is_too_long() {
                break;
            }
        }
        replaced.finish(env, at)
    }))
}

fn translate_type(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.takes_texts(3..=3)?;
    Ok((DataType::String, b.args.iter().take(2).any(|arg| arg.nullable)))
}

/// A character that has no other to become is left out; the first that is named counts.
fn translate(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, from, to, at) = (call.bytes(0)?, call.bytes(1)?, call.bytes(2)?, call.at);
    Ok(bytes(move |env| {
        let (text, from, to) = (text(env)?, from(env)?, to(env).unwrap_or_default());
        let mut translated = Builder::new(env);
        for c in chars::chars(text) {
            match chars::chars(from).position(|named| named == c) {
                Some(index) => translated.push(chars::chars(to).nth(index).unwrap_or_default()),
                None => translated.push(c),
            };
        }
        translated.finish(env, at)
    }))
}

fn piece<'t>(text: &'t [u8], delimiter: &'t [u8], index: i64) -> Option<&'t [u8]> {
    if text.is_empty() || delimiter.is_empty() {
        return None;
    }
    chars::split(text, delimiter).nth(usize::try_from(index).ok()?)
}

fn split_index(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, index) = (call.bytes(0)?, call.int(2)?);
    if let Ok(code) = call.int(1) {
        return Ok(bytes(move |env| {
            let c = char::from_u32(u32::try_from(code(env)?).ok()?)?;
            let delimiter = env.text(c.encode_utf8(&mut [0; 4]).as_bytes());
            piece(text(env)?, delimiter, index(env)?)
        }));
    }
    let delimiter = call.bytes(1)?;
    Ok(bytes(move |env| piece(text(env)?, delimiter(env)?, index(env)?)))
}

/// Appends a text to the bytes of a nested value.
pub(crate) fn push_item(value: &mut Builder<'_>, text: Option<&[u8]>) {
    match text {
        Some(text) => {
            value.push(&[1]);
            value.push(&(text.len() as u32).to_le_bytes());
            value.push(text);
        }
        None => {
            value.push(&[0]);
        }
    }
}

/// The bytes of an array of texts.
pub(crate) fn push_array<'t>(
    value: &mut Builder<'_>,
    texts: impl Iterator<Item = Option<&'t [u8]>>,
) {
    let at = value.len();
    value.push(&[0; 4]);
    let mut count = 0_u32;
    for text in texts {
        push_item(value, text);
        count += 1;
    }
    if let Some(place) = value.bytes_mut().get_mut(at..at + 4) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

/// An empty delimiter parts all characters.
fn split(call: &Call<'_>) -> Result<Code, SqlError> {
    let at = call.at;
    call.bytes_of_bytes2(move |env, text, delimiter| {
        let mut array = Builder::new(env);
        match (text, delimiter) {
            ([], _) => push_array(&mut array, std::iter::empty()),
            (text, []) => push_array(&mut array, chars::chars(text).map(Some)),
            _ => push_array(&mut array, chars::split(text, delimiter).map(Some)),
        }
        array.finish(env, at)
    })
}

/// The last value of a key counts; what has no value has NULL.
fn str_to_map(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, at) = (call.bytes(0)?, call.at);
    let (entries, keys) = (call.bytes_or(1, b",")?, call.bytes_or(2, b"=")?);
    Ok(bytes(move |env| {
        let (text, between, equals) = (text(env)?, entries(env)?, keys(env)?);
        if between.is_empty() || equals.is_empty() {
            return env.fail(at, || "STR_TO_MAP with an empty delimiter".to_owned());
        }
        let mut entries = bumpalo::collections::Vec::new_in(env.scratch);
        for entry in chars::split(text, between) {
            let (key, value) = match chars::find(entry, equals, 0) {
                Some(end) => (entry.get(..end)?, entry.get(end + equals.len()..)),
                None => (entry, None),
            };
            match entries.iter_mut().find(|(other, _)| *other == key) {
                Some(entry) => *entry = (key, value),
                None => entries.push((key, value)),
            }
        }
        let mut map = Builder::new(env);
        map.push(&(entries.len() as u32).to_le_bytes());
        for (key, value) in entries {
            push_item(&mut map, Some(key));
            push_item(&mut map, value);
        }
        map.finish(env, at)
    }))
}
