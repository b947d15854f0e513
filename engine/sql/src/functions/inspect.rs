//! What a value is.

use tidewire_event::DataType;

use super::signature::Kind::Bool;
use super::{Binding, Call, Function};
use crate::code::{Code, bool, bytes};
use crate::error::SqlError;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "IS_DECIMAL",
        usage: "IS_DECIMAL(text)",
        bind: text_or_number,
        compile: |call| test(call, true, is_decimal),
    },
    Function {
        name: "IS_DIGIT",
        usage: "IS_DIGIT(text)",
        bind: text_or_number,
        compile: |call| test(call, true, |text| all(text, char::is_numeric)),
    },
    Function {
        name: "IS_ALPHA",
        usage: "IS_ALPHA(text)",
        bind: text_or_number,
        compile: |call| test(call, false, |text| all(text, char::is_alphabetic)),
    },
    Function {
        name: "TYPEOF",
        usage: "TYPEOF(value [, force_serializable])",
        bind: |b| {
            b.count(1..=2)?;
            if b.args.len() == 2 {
                b.kind_at(1, Bool)?;
            }
            Ok((DataType::String, false))
        },
        compile: |call| {
            let ty = call.args.first().map_or_else(String::new, |arg| {
                format!("{}{}", arg.ty, if arg.nullable { "" } else { " NOT NULL" })
            });
            Ok(bytes(move |env| Some(env.text(ty.as_bytes()))))
        },
    },
];

fn text_or_number(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    if b.ty(0).is_numeric() {
        return Ok((DataType::Boolean, false));
    }
    b.text(0)?;
    Ok((DataType::Boolean, false))
}

/// NULL is nothing of the kind.
fn test(
    call: &Call<'_>,
    number: bool,
    f: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    match call.bytes(0) {
        Ok(text) => Ok(bool(move |env| {
            Some(text(env).and_then(|text| std::str::from_utf8(text).ok()).is_some_and(&f))
        })),
        Err(_) => Ok(bool(move |_| Some(number))),
    }
}

fn all(text: &str, f: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(f)
}

/// What Java reads as a double: blanks around it, and a letter behind it that says how wide.
fn is_decimal(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    !text.is_empty() && text.bytes().all(plain) && text.parse::<f64>().is_ok()
}
