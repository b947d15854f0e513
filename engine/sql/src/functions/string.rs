//! Text: case, parts, trimming, padding, joining.

use tidewire_event::DataType;

use super::chars;
use super::signature::Kind::{Int, Text};
use super::signature::{Builder, utf8};
use super::{Call, Function};
use crate::code::{Code, bytes};
use crate::error::SqlError;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "UPPER",
        usage: "UPPER(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| case(call, <[u8]>::make_ascii_uppercase, str::to_uppercase),
    },
    Function {
        name: "LOWER",
        usage: "LOWER(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| case(call, <[u8]>::make_ascii_lowercase, str::to_lowercase),
    },
    Function {
        name: "INITCAP",
        usage: "INITCAP(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: initcap,
    },
    Function {
        name: "SUBSTRING",
        usage: "SUBSTRING(text, from [, length])",
        bind: |b| b.takes_or_null(2, &[Text, Int, Int], DataType::String),
        compile: substring,
    },
    Function {
        name: "SUBSTR",
        usage: "SUBSTR(text, from [, length])",
        bind: |b| b.takes_or_null(2, &[Text, Int, Int], DataType::String),
        compile: substring,
    },
    Function {
        name: "LEFT",
        usage: "LEFT(text, length)",
        bind: |b| b.takes(2, &[Text, Int], DataType::String),
        compile: |call| {
            part(call, |text, length| {
                let length = usize::try_from(length).unwrap_or(0);
                text.get(..chars::offset(text, length))
            })
        },
    },
    Function {
        name: "RIGHT",
        usage: "RIGHT(text, length)",
        bind: |b| b.takes(2, &[Text, Int], DataType::String),
        compile: |call| {
            part(call, |text, length| {
                let length = usize::try_from(length).unwrap_or(0);
                text.get(chars::offset(text, chars::count(text).saturating_sub(length))..)
            })
        },
    },
    Function {
        name: "TRIM",
        usage: "TRIM(text [, characters])",
        bind: |b| b.takes_texts(1..=2),
        compile: |call| trim(call, true, true),
    },
    Function {
        name: "BTRIM",
        usage: "BTRIM(text [, characters])",
        bind: |b| b.takes_texts(1..=2),
        compile: |call| trim(call, true, true),
    },
    Function {
        name: "LTRIM",
        usage: "LTRIM(text [, characters])",
        bind: |b| b.takes_texts(1..=2),
        compile: |call| trim(call, true, false),
    },
    Function {
        name: "RTRIM",
        usage: "RTRIM(text [, characters])",
        bind: |b| b.takes_texts(1..=2),
        compile: |call| trim(call, false, true),
    },
    Function {
        name: "LPAD",
        usage: "LPAD(text, length, pad)",
        bind: |b| b.takes_or_null(3, &[Text, Int, Text], DataType::String),
        compile: |call| pad(call, true),
    },
    Function {
        name: "RPAD",
        usage: "RPAD(text, length, pad)",
        bind: |b| b.takes_or_null(3, &[Text, Int, Text], DataType::String),
        compile: |call| pad(call, false),
    },
    Function {
        name: "REPEAT",
        usage: "REPEAT(text, times)",
        bind: |b| b.takes(2, &[Text, Int], DataType::String),
        compile: repeat,
    },
    Function {
        name: "REVERSE",
        usage: "REVERSE(text)",
        bind: |b| b.takes_texts(1..=1),
        compile: |call| {
            call.bytes_of_bytes(|env, text| {
                let reversed = env.scratch.alloc_slice_copy(text);
                let mut end = reversed.len();
                for c in chars::chars(text) {
                    let start = end - c.len();
                    reversed.get_mut(start..end)?.copy_from_slice(c);
                    end = start;
                }
                Some(reversed)
            })
        },
    },
    Function {
        name: "CONCAT",
        usage: "CONCAT(text, ...)",
        bind: |b| b.takes_texts(1..=usize::MAX),
        compile: concat,
    },
    Function {
        name: "CONCAT_WS",
        usage: "CONCAT_WS(separator, text, ...)",
        bind: |b| {
            let (ty, _) = b.takes_texts(1..=usize::MAX)?;
            Ok((ty, b.args.first().is_some_and(|separator| separator.nullable)))
        },
        compile: concat_ws,
    },
    Function {
        name: "OVERLAY",
        usage: "OVERLAY(text, piece, from [, length])",
        bind: |b| b.takes(3, &[Text, Text, Int, Int], DataType::String),
        compile: overlay,
    },
    Function {
        name: "ELT",
        usage: "ELT(number, text, ...)",
        bind: |b| {
            b.count(2..=usize::MAX)?;
            b.integer(0)?;
            (1..b.args.len()).try_for_each(|at| b.text(at))?;
            Ok((DataType::String, true))
        },
        compile: |call| {
            let number = call.int(0)?;
            let texts = (1..call.codes.len()).map(|at| call.bytes(at));
            let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
            Ok(bytes(move |env| {
                let index = usize::try_from(number(env)?.checked_sub(1)?).ok()?;
                texts.get(index)?(env)
            }))
        },
    },
];

fn case(
    call: &Call<'_>,
    ascii: fn(&mut [u8]),
    other: fn(&str) -> String,
) -> Result<Code, SqlError> {
    let at = call.at;
    call.bytes_of_bytes(move |env, text| {
        if text.is_ascii() {
            let copy = env.scratch.alloc_slice_copy(text);
            ascii(copy);
            return Some(copy);
        }
        Some(env.text(other(utf8(env, at, text)?).as_bytes()))
    })
}

/// As Flink does it: what is no ASCII letter or digit parts words, and stays as it is.
fn initcap(call: &Call<'_>) -> Result<Code, SqlError> {
    call.bytes_of_bytes(|env, text| {
        let copy = env.scratch.alloc_slice_copy(text);
        let mut inside = false;
        for byte in copy.iter_mut() {
            *byte = if inside { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
            inside = byte.is_ascii_alphanumeric();
        }
        Some(copy)
    })
}

fn substring(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, from, length) = (call.bytes(0)?, call.int(1)?, call.int_or(2, i64::MAX)?);
    Ok(bytes(move |env| chars::substring(text(env)?, from(env)?, length(env)?)))
}

/// Code that takes a part of a text, as a number says.
fn part(
    call: &Call<'_>,
    f: impl for<'t> Fn(&'t [u8], i64) -> Option<&'t [u8]> + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    let (text, length) = (call.bytes(0)?, call.int(1)?);
    Ok(bytes(move |env| f(text(env)?, length(env)?)))
}

fn trim(call: &Call<'_>, front: bool, back: bool) -> Result<Code, SqlError> {
    let (text, set) = (call.bytes(0)?, call.bytes_or(1, b" ")?);
    Ok(bytes(move |env| {
        let (mut text, set) = (text(env)?, set(env)?);
        if front {
            text = chars::trim_front(text, set);
        }
        if back {
            text = chars::trim_back(text, set);
        }
        Some(text)
    }))
}

fn pad(call: &Call<'_>, left: bool) -> Result<Code, SqlError> {
    let (text, length, padding, at) = (call.bytes(0)?, call.int(1)?, call.bytes(2)?, call.at);
    Ok(bytes(move |env| {
        let (text, length, padding) = (text(env)?, length(env)?, padding(env)?);
        let length = usize::try_from(length).ok()?;
        if padding.is_empty() {
            return None;
        }
        let Some(missing) = length.checked_sub(chars::count(text)) else {
            return text.get(..chars::offset(text, length));
        };
        let mut padded = Builder::new(env);
        if !left {
            padded.push(text);
        }
        let each = chars::count(padding).max(1);
        for _ in 0..missing / each {
            padded.push(padding);
            if padded.is_too_long() {
                return padded.finish(env, at);
            }
        }
        padded.push(padding.get(..chars::offset(padding, missing % each))?);
        if left {
            padded.push(text);
        }
        padded.finish(env, at)
    }))
}

fn repeat(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, times, at) = (call.bytes(0)?, call.int(1)?, call.at);
    Ok(bytes(move |env| {
        let (text, times) = (text(env)?, times(env)?);
        let mut repeated = Builder::new(env);
        if !text.is_empty() {
            for _ in 0..times {
                repeated.push(text);
                if repeated.is_too_long() {
                    break;
                }
            }
        }
        repeated.finish(env, at)
    }))
}

fn concat(call: &Call<'_>) -> Result<Code, SqlError> {
    let texts: Vec<_> = (0..call.codes.len()).map(|at| call.bytes(at)).collect::<Result<_, _>>()?;
    let at = call.at;
    Ok(bytes(move |env| {
        let mut joined = Builder::new(env);
        for text in &texts {
            joined.push(text(env)?);
        }
        joined.finish(env, at)
    }))
}

/// NULLs are left out; a NULL separator makes NULL.
fn concat_ws(call: &Call<'_>) -> Result<Code, SqlError> {
    let texts = (1..call.codes.len()).map(|at| call.bytes(at));
    let (separator, texts, at) = (call.bytes(0)?, texts.collect::<Result<Vec<_>, _>>()?, call.at);
    Ok(bytes(move |env| {
        let separator = separator(env)?;
        let (mut joined, mut first) = (Builder::new(env), true);
        for text in texts.iter().filter_map(|text| text(env)) {
            if !std::mem::take(&mut first) {
                joined.push(separator);
            }
            joined.push(text);
        }
        joined.finish(env, at)
    }))
}

/// A place outside the text leaves it as it is; what a length below 1 or beyond the end leaves over is cut off.
fn overlay(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, piece, from) = (call.bytes(0)?, call.bytes(1)?, call.int(2)?);
    let (length, at) = (if call.codes.len() > 3 { Some(call.int(3)?) } else { None }, call.at);
    Ok(bytes(move |env| {
        let (text, piece, from) = (text(env)?, piece(env)?, from(env)?);
        let length = match &length {
            Some(length) => length(env)?,
            None => chars::count(piece) as i64,
        };
        let characters = chars::count(text) as i64;
        if from < 1 || from > characters {
            return Some(text);
        }
        let front = chars::offset(text, from as usize - 1);
        let mut laid = Builder::new(env);
        laid.push(text.get(..front)?);
        laid.push(piece);
        if length > 0 && from.checked_add(length).is_some_and(|end| end <= characters) {
            let behind = text.get(front..)?;
            laid.push(behind.get(chars::offset(behind, length as usize)..)?);
        }
        laid.finish(env, at)
    }))
}
