//! Regular expressions.
//!
//! 1. The syntax is Java's as far as matching stays linear in the text's length: look-around, back references and
//!    possessive quantifiers are errors. `\d`, `\w` and `\s` are ASCII, as in Java.
//! 2. A pattern that is a constant is compiled when the call is bound. Others are compiled when they come, and the last
//!    [`PATTERNS_MAX`] of a thread are kept.

use std::cell::RefCell;
use std::collections::HashMap;

use regex_automata::Input;
use regex_automata::meta::Regex;
use tidewire_event::DataType;

use super::chars;
use super::encoding::shown;
use super::search::push_array;
use super::signature::Builder;
use super::signature::Kind::{Int, Text};
use super::{Binding, Call, Function};
use crate::code::{Code, Env, RunBytes, bool, bytes, int};
use crate::error::{Span, SqlError};

/// Patterns that are no constants and are kept compiled, for each thread.
const PATTERNS_MAX: usize = 64;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "REGEXP",
        usage: "REGEXP(text, pattern)",
        bind: |b| with_pattern(b, 2, &[Text, Text], DataType::Boolean, false),
        compile: |call| {
            let (text, pattern) = (call.bytes(0)?, Pattern::of(call)?);
            Ok(bool(move |env| {
                let text = text(env)?;
                pattern.with(env, |regex, source| Some(!source.is_empty() && regex.is_match(text)))
            }))
        },
    },
    Function {
        name: "REGEXP_EXTRACT",
        usage: "REGEXP_EXTRACT(text, pattern [, group])",
        bind: |b| with_pattern(b, 2, &[Text, Text, Int], DataType::String, true),
        compile: |call| extract(call, 0),
    },
    Function {
        name: "REGEXP_SUBSTR",
        usage: "REGEXP_SUBSTR(text, pattern)",
        bind: |b| with_pattern(b, 2, &[Text, Text], DataType::String, true),
        compile: |call| extract(call, 0),
    },
    Function {
        name: "REGEXP_EXTRACT_ALL",
        usage: "REGEXP_EXTRACT_ALL(text, pattern [, group])",
        bind: |b| {
            let ty = DataType::Array(Box::new(DataType::String));
            with_pattern(b, 2, &[Text, Text, Int], ty, true)
        },
        compile: extract_all,
    },
    Function {
        name: "REGEXP_REPLACE",
        usage: "REGEXP_REPLACE(text, pattern, other)",
        bind: |b| with_pattern(b, 3, &[Text, Text, Text], DataType::String, false),
        compile: replace,
    },
    Function {
        name: "REGEXP_COUNT",
        usage: "REGEXP_COUNT(text, pattern)",
        bind: |b| with_pattern(b, 2, &[Text, Text], DataType::Int, false),
        compile: |call| {
            let (text, pattern) = (call.bytes(0)?, Pattern::of(call)?);
            Ok(int(move |env| {
                let text = text(env)?;
                pattern.with(env, |regex, _| i64::try_from(regex.find_iter(text).count()).ok())
            }))
        },
    },
    Function {
        name: "REGEXP_INSTR",
        usage: "REGEXP_INSTR(text, pattern)",
        bind: |b| with_pattern(b, 2, &[Text, Text], DataType::Int, false),
        compile: |call| {
            let (text, pattern) = (call.bytes(0)?, Pattern::of(call)?);
            Ok(int(move |env| {
                let text = text(env)?;
                pattern.with(env, |regex, _| {
                    let Some(found) = regex.find(text) else { return Some(0) };
                    i64::try_from(chars::count(text.get(..found.start())?) + 1).ok()
                })
            }))
        },
    },
    Function {
        name: "SIMILAR TO",
        usage: "text SIMILAR TO pattern [ESCAPE character]",
        bind: similar_type,
        compile: |call| similar(call, false),
    },
    Function {
        name: "NOT SIMILAR TO",
        usage: "text NOT SIMILAR TO pattern [ESCAPE character]",
        bind: similar_type,
        compile: |call| similar(call, true),
    },
];

/// Takes arguments of which the second is a pattern.
fn with_pattern(
    b: &mut Binding<'_>,
    least: usize,
    kinds: &[super::signature::Kind],
    ty: DataType,
    or_null: bool,
) -> Result<(DataType, bool), SqlError> {
    let (ty, nullable) = b.takes(least, kinds, ty)?;
    if let Some(pattern) = b.constant_text(1) {
        compile(pattern).map_err(|problem| SqlError::new(b.place(1), problem))?;
    }
    Ok((ty, nullable || or_null))
}

/// A pattern, compiled; or why it can not be.
fn compile(pattern: &str) -> Result<Regex, String> {
    let java = java_classes(pattern)?;
    build(&java, pattern)
}

/// The regular expression that is written for `pattern`.
fn build(regex: &str, pattern: &str) -> Result<Regex, String> {
    Regex::new(regex).map_err(|error| {
        let why = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("'{pattern}' is no pattern: {why}")
    })
}

/// The pattern with Java's ASCII classes written out, without what would mean something else here.
fn java_classes(pattern: &str) -> Result<String, String> {
    let mut java = String::with_capacity(pattern.len());
    let (mut rest, mut quantified, mut in_class) = (pattern.chars(), false, 0_u32);
    while let Some(c) = rest.next() {
        let was_quantified = std::mem::take(&mut quantified);
        match c {
            '\\' => match rest.next() {
                Some('d') => java.push_str("[0-9]"),
                Some('D') => java.push_str("[^0-9]"),
                Some('w') => java.push_str("[a-zA-Z0-9_]"),
                Some('W') => java.push_str("[^a-zA-Z0-9_]"),
                Some('s') => java.push_str(r"[ \t\n\x0B\f\r]"),
                Some('S') => java.push_str(r"[^ \t\n\x0B\f\r]"),
                Some(other) => java.extend(['\\', other]),
                None => java.push('\\'),
            },
            '+' if was_quantified && in_class == 0 => {
                return Err(format!(
                    "'{pattern}' has a possessive quantifier, which is not supported"
                ));
            }
            _ => {
                match c {
                    '[' => in_class += 1,
                    ']' => in_class = in_class.saturating_sub(1),
                    _ => {}
                }
                quantified =
                    in_class == 0 && matches!(c, '+' | '*' | '?' | '}') && !java.ends_with('(');
                java.push(c);
            }
        }
    }
    Ok(java)
}

/// The pattern of a call.
enum Pattern {
    Constant(Box<Regex>, String),
    Other(RunBytes, Span),
}

thread_local! {
    static COMPILED: RefCell<HashMap<Vec<u8>, Regex>> = RefCell::default();
}

impl Pattern {
    /// Of a call's second argument.
    fn of(call: &Call<'_>) -> Result<Self, SqlError> {
        match call.constant_text(1) {
            Some(pattern) => match compile(pattern) {
                Ok(regex) => Ok(Self::Constant(Box::new(regex), pattern.to_owned())),
                Err(problem) => Err(SqlError::new(call.at, problem)),
            },
            None => Ok(Self::Other(call.bytes(1)?, call.at)),
        }
    }

    /// What `f` makes of it and its text. NULL makes NULL, and what is no pattern a fault.
    fn with<T>(&self, env: &Env<'_>, f: impl FnOnce(&Regex, &[u8]) -> Option<T>) -> Option<T> {
        match self {
            Self::Constant(regex, source) => f(regex, source.as_bytes()),
            Self::Other(pattern, at) => {
                let source = pattern(env)?;
                with_compiled(env, *at, source, compile, f)
            }
        }
    }
}

/// What `f` makes of the pattern that `make` makes of `source`, and that is kept by it.
fn with_compiled<T>(
    env: &Env<'_>,
    at: Span,
    source: &[u8],
    make: impl FnOnce(&str) -> Result<Regex, String>,
    f: impl FnOnce(&Regex, &[u8]) -> Option<T>,
) -> Option<T> {
    COMPILED.with_borrow_mut(|compiled| {
        if !compiled.contains_key(source) {
            let made = match std::str::from_utf8(source) {
                Ok(text) => make(text),
                Err(_) => Err(format!("{:?} is no pattern: it is no UTF-8", shown(source))),
            };
            match made {
                Ok(regex) => {
                    if compiled.len() == PATTERNS_MAX {
                        compiled.clear();
                    }
                    compiled.insert(source.to_vec(), regex);
                }
                Err(problem) => return env.fail(at, || problem),
            }
        }
        f(compiled.get(source)?, source)
    })
}

/// The group of the first match.
fn extract(call: &Call<'_>, other: i64) -> Result<Code, SqlError> {
    let (text, pattern, group) = (call.bytes(0)?, Pattern::of(call)?, call.int_or(2, other)?);
    Ok(bytes(move |env| {
        let (text, group) = (text(env)?, usize::try_from(group(env)?).ok()?);
        pattern.with(env, |regex, _| {
            if group == 0 {
                return text.get(regex.find(text)?.range());
            }
            (group < regex.captures_len()).then_some(())?;
            let slots = env.scratch.alloc_slice_fill_copy(2 * (group + 1), None);
            regex.search_slots(&Input::new(text), slots)?;
            match slots.get(2 * group..)? {
                [Some(start), Some(end), ..] => text.get(start.get()..end.get()),
                _ => None,
            }
        })
    }))
}

/// The group of every match; NULL where there is no such group.
fn extract_all(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, pattern, group) = (call.bytes(0)?, Pattern::of(call)?, call.int_or(2, 1)?);
    let at = call.at;
    Ok(bytes(move |env| {
        let (text, group) = (text(env)?, usize::try_from(group(env)?).ok()?);
        pattern.with(env, |regex, _| {
            (group < regex.captures_len()).then_some(())?;
            let slots = env.scratch.alloc_slice_fill_copy(2 * (group + 1), None);
            let mut array = Builder::new(env);
            push_array(
                &mut array,
                regex.find_iter(text).map(|found| {
                    regex.search_slots(&Input::new(text).range(found.start()..), slots)?;
                    match slots.get(2 * group..)? {
                        [Some(start), Some(end), ..] => text.get(start.get()..end.get()),
                        _ => None,
                    }
                }),
            );
            array.finish(env, at)
        })
    }))
}

/// What replaces a match is taken as it is.
fn replace(call: &Call<'_>) -> Result<Code, SqlError> {
    let (text, pattern, other) = (call.bytes(0)?, Pattern::of(call)?, call.bytes(2)?);
    let at = call.at;
    Ok(bytes(move |env| {
        let (text, other) = (text(env)?, other(env)?);
        pattern.with(env, |regex, _| {
            let (mut replaced, mut end) = (Builder::new(env), 0);
            for found in regex.find_iter(text) {
                replaced.push(text.get(end..found.start())?);
                replaced.push(other);
                if replaced.is_too_long() {
                    break;
                }
                end = found.end();
            }
            replaced.push(text.get(end..)?);
            replaced.finish(env, at)
        })
    }))
}

fn similar_type(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    let bound = b.takes(2, &[Text, Text, Text], DataType::Boolean)?;
    let escape = b.constant_text(2);
    if b.args.len() == 3 && escape.is_none_or(|escape| escape.chars().count() != 1) {
        return Err(SqlError::new(b.place(2), "ESCAPE takes a constant of one character"));
    }
    if let Some(pattern) = b.constant_text(1) {
        compile_similar(pattern, escape).map_err(|problem| SqlError::new(b.place(1), problem))?;
    }
    Ok(bound)
}

fn similar(call: &Call<'_>, not: bool) -> Result<Code, SqlError> {
    let (text, at) = (call.bytes(0)?, call.at);
    let escape = call.constant_text(2).map(str::to_owned);
    if let Some(pattern) = call.constant_text(1) {
        let regex = compile_similar(pattern, escape.as_deref())
            .map_err(|problem| SqlError::new(at, problem))?;
        return Ok(bool(move |env| Some(regex.is_match(text(env)?) != not)));
    }
    let pattern = call.bytes(1)?;
    // What is kept is kept by its text, so that it must say which escape it was made with.
    let mark = format!("(?#similar{})", escape.as_deref().unwrap_or_default());
    Ok(bool(move |env| {
        let (text, pattern) = (text(env)?, pattern(env)?);
        let mut source = Builder::new(env);
        source.push(mark.as_bytes());
        source.push(pattern);
        let source = source.finish(env, at)?;
        let make = |source: &str| {
            compile_similar(source.strip_prefix(&mark).unwrap_or(source), escape.as_deref())
        };
        with_compiled(env, at, source, make, |regex, _| Some(regex.is_match(text) != not))
    }))
}

/// SQL's regular expressions: `%` and `_` as in LIKE, `| * + ? {n} ( ) [ ]`, and `[:ALPHA:]` in brackets. All of a text
/// must match.
fn compile_similar(pattern: &str, escape: Option<&str>) -> Result<Regex, String> {
    let escape = escape.and_then(|escape| escape.chars().next());
    let mut regex = String::from(r"\A(?s:");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if Some(c) == escape {
            match rest.next() {
                Some(next) if Some(next) == escape || "[]()|^-+*_%?{}".contains(next) => {
                    regex.push_str(&format!(r"\x{{{:x}}}", u32::from(next)));
                }
                _ => return Err(format!("'{pattern}': nothing to escape behind '{c}'")),
            }
            continue;
        }
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => regex.push_str(r"\\"),
            '[' if rest.as_str().starts_with(':') => {
                let Some((name, behind)) = rest.as_str().split_at(1).1.split_once(":]") else {
                    return Err(format!("'{pattern}': no ':]' behind '[:'"));
                };
                let name = name.to_lowercase();
                let name = if name == "whitespace" { "space" } else { &name };
                regex.push_str(&format!("[:{name}:]"));
                rest = behind.chars();
            }
            c => regex.push(c),
        }
    }
    regex.push_str(r")\z");
    build(&regex, pattern)
}
