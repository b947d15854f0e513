//! `||` and LIKE.

use tidewire_event::{DataType, Value};

use super::{Binding, Call, Function};
use crate::code::{Code, Env, bool, built, bytes};
use crate::error::SqlError;
use crate::expr::{Expr, ExprKind};

pub(crate) static FUNCTIONS: &[Function] = &[
    Function { name: "||", usage: "a || b", bind: bind_join, compile: join },
    Function {
        name: "LIKE",
        usage: "text LIKE pattern [ESCAPE character]",
        bind: bind_like,
        compile: |call| like(call, true),
    },
    Function {
        name: "NOT LIKE",
        usage: "text NOT LIKE pattern [ESCAPE character]",
        bind: bind_like,
        compile: |call| like(call, false),
    },
];

fn bind_join(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=usize::MAX)?;
    if b.args.iter().any(|arg| arg.ty == DataType::Bytes) {
        for at in 0..b.args.len() {
            if !matches!(b.ty(at), DataType::Bytes | DataType::Null) {
                return Err(b.no_such());
            }
            b.cast(at, &DataType::Bytes)?;
        }
    } else {
        b.texts()?;
    }
    // One call for a chain.
    let mut args = Vec::with_capacity(b.args.len());
    for arg in std::mem::take(&mut b.args) {
        match arg.kind {
            ExprKind::Call(function, inner) if std::ptr::eq(function, b.function) => {
                args.extend(inner);
            }
            kind => args.push(Expr { kind, ..arg }),
        }
    }
    b.args = args;
    let mut types = b.args.iter().map(|arg| arg.ty.clone());
    let first = types.next().unwrap_or(DataType::String);
    let ty = types.fold(first, |ty, next| match (ty, next) {
        (DataType::Bytes, _) => DataType::Bytes,
        (DataType::Char(a), DataType::Char(b)) => DataType::Char(a.saturating_add(b)),
        (DataType::Char(a) | DataType::VarChar(a), DataType::Char(b) | DataType::VarChar(b)) => {
            DataType::VarChar(a.saturating_add(b))
        }
        _ => DataType::String,
    });
    Ok((ty, b.nullable()))
}

fn join(call: &Call<'_>) -> Result<Code, SqlError> {
    let parts = (0..call.codes.len()).map(|at| call.bytes(at));
    let parts = parts.collect::<Result<Box<[_]>, _>>()?;
    Ok(bytes(move |env| {
        let mut text = env.builder();
        for part in &parts {
            text.extend_from_slice_copy(part(env)?);
        }
        Some(built(text))
    }))
}

fn bind_like(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=3)?;
    b.texts()?;
    if let Some(escape) = b.args.get(2) {
        let is_one = |value: &Value| match value {
            Value::Bytes(text) => {
                std::str::from_utf8(text).is_ok_and(|text| text.chars().count() == 1)
            }
            _ => false,
        };
        if !escape.as_literal().is_some_and(is_one) {
            return Err(SqlError::new(escape.at, "ESCAPE takes a text of one character"));
        }
    }
    Ok((DataType::Boolean, b.nullable()))
}

fn like(call: &Call<'_>, wanted: bool) -> Result<Code, SqlError> {
    let escape = match call.args.get(2).and_then(|arg| arg.as_literal()) {
        Some(Value::Bytes(escape)) => escape.clone(),
        _ => Vec::new(),
    };
    let text = call.bytes(0)?;
    let Some(Value::Bytes(pattern)) = call.args.get(1).and_then(|arg| arg.as_literal()) else {
        let pattern = call.bytes(1)?;
        return Ok(bool(move |env| Some(matches(text(env)?, pattern(env)?, &escape) == wanted)));
    };
    let Some(shape) = Shape::of(pattern, &escape) else {
        let pattern = pattern.clone();
        return Ok(bool(move |env| Some(matches(text(env)?, &pattern, &escape) == wanted)));
    };
    macro_rules! test {
        ($part:ident, $test:expr) => {{
            let test: fn(&[u8], &[u8]) -> bool = $test;
            Ok(bool(move |env: &Env<'_>| Some(test(text(env)?, &$part) == wanted)))
        }};
    }
    match shape {
        Shape::Is(part) => test!(part, |text, part| text == part),
        Shape::Begins(part) => test!(part, |text, part| text.starts_with(part)),
        Shape::Ends(part) => test!(part, |text, part| text.ends_with(part)),
        Shape::Contains(part) => test!(part, |text, part| {
            part.is_empty() || text.windows(part.len()).any(|window| window == part)
        }),
    }
}

/// A pattern that needs no search: a plain text with `%` before it, behind it, or both.
enum Shape {
    Is(Vec<u8>),
    Begins(Vec<u8>),
    Ends(Vec<u8>),
    Contains(Vec<u8>),
}

impl Shape {
    fn of(pattern: &[u8], escape: &[u8]) -> Option<Self> {
        let has_escape = !escape.is_empty() && pattern.windows(escape.len()).any(|at| at == escape);
        let begins = pattern.starts_with(b"%");
        let inner = pattern.strip_prefix(b"%").unwrap_or(pattern);
        let ends = inner.ends_with(b"%");
        let inner = inner.strip_suffix(b"%").unwrap_or(inner);
        if has_escape || inner.iter().any(|byte| matches!(byte, b'%' | b'_')) {
            return None;
        }
        let part = inner.to_vec();
        Some(match (begins, ends) {
            (false, false) => Self::Is(part),
            (false, true) => Self::Begins(part),
            (true, false) => Self::Ends(part),
            (true, true) => Self::Contains(part),
        })
    }
}

/// A piece of a pattern.
enum Piece {
    /// `%`.
    Any,
    /// `_`.
    One,
    /// A byte.
    Byte(u8),
}

/// The first piece of a pattern, and what is behind it.
fn piece<'p>(pattern: &'p [u8], escape: &[u8]) -> Option<(Piece, &'p [u8])> {
    if let Some(behind) = pattern.strip_prefix(escape)
        && !escape.is_empty()
        && let Some((byte, rest)) = behind.split_first()
    {
        return Some((Piece::Byte(*byte), rest));
    }
    let (byte, rest) = pattern.split_first()?;
    let piece = match byte {
        b'%' => Piece::Any,
        b'_' => Piece::One,
        byte => Piece::Byte(*byte),
    };
    Some((piece, rest))
}

/// What is behind the first character of a text that is not empty.
fn behind_character(text: &[u8]) -> &[u8] {
    let is_start = |byte: &u8| byte & 0xc0 != 0x80;
    let end = text.iter().skip(1).position(is_start).map_or(text.len(), |at| at + 1);
    &text[end..]
}

/// Whether `text` matches `pattern`. Where a `%` took too little, it takes a character more.
fn matches(text: &[u8], pattern: &[u8], escape: &[u8]) -> bool {
    let (mut text, mut pattern) = (text, pattern);
    // Behind the last `%`: the pattern, and the text when it took what it has.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (piece(pattern, escape), text.split_first()) {
            (Some((Piece::Any, rest)), _) => {
                pattern = rest;
                retry = Some((pattern, text));
                continue;
            }
            (Some((Piece::One, rest)), Some(_)) => {
                (text, pattern) = (behind_character(text), rest);
                continue;
            }
            (Some((Piece::Byte(wanted), rest)), Some((byte, behind))) if wanted == *byte => {
                (text, pattern) = (behind, rest);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match retry {
            Some((behind, from)) if !from.is_empty() => {
                let from = behind_character(from);
                (text, pattern) = (from, behind);
                retry = Some((behind, from));
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let cases = [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "a%", true),
            ("abc", "%b%", true),
            ("abc", "a_c", true),
            ("aüc", "a_c", true),
            ("abcbcd", "%bcd", true),
            ("abcbc", "a%b", false),
            ("a%c", "a!%c", true),
            ("abc", "a!%c", false),
            ("a_", "%!_", true),
            ("mississippi", "%iss%ip%", true),
            ("mississippi", "%iss%isp%", false),
        ];
        for (text, pattern, wanted) in cases {
            assert_eq!(
                matches(text.as_bytes(), pattern.as_bytes(), b"!"),
                wanted,
                "{text} {pattern}"
            );
        }
    }
}
