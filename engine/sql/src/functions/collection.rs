//! ARRAY and MAP: what is in them, and others made of them.

use std::cmp::Ordering;

use tidewire_event::{DataType, Field};

use super::signature::Builder;
use super::{Binding, Call, Function, by_repr};
use crate::code::{self, Code, Env, built, bytes};
use crate::datum::{self, Datum};
use crate::error::SqlError;
use crate::items;

type Scratch<'a, T> = bumpalo::collections::Vec<'a, T>;
type Item<'a> = Option<Datum<'a>>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "ARRAY_CONTAINS",
        usage: "ARRAY_CONTAINS(array, value)",
        bind: |b| {
            value_of_array(b)?;
            Ok((DataType::Boolean, b.args.first().is_some_and(|array| array.nullable)))
        },
        compile: |call| {
            let (array, value, of) = with_value(call)?;
            Ok(code::bool(move |env| {
                let (array, value) = (array(env)?, datum::run(&value, env));
                Some(each(array, &of).any(|item| item == value))
            }))
        },
    },
    Function {
        name: "ARRAY_POSITION",
        usage: "ARRAY_POSITION(array, value)",
        bind: |b| {
            value_of_array(b)?;
            Ok((DataType::Int, b.nullable()))
        },
        compile: |call| {
            let (array, value, of) = with_value(call)?;
            Ok(code::int(move |env| {
                let (array, value) = (array(env)?, datum::run(&value, env)?);
                let at = each(array, &of).position(|item| item == Some(value));
                Some(at.map_or(0, |at| at as i64 + 1))
            }))
        },
    },
    Function {
        name: "ARRAY_APPEND",
        usage: "ARRAY_APPEND(array, value)",
        bind: value_of_array,
        compile: |call| {
            let (_, value, _) = with_value(call)?;
            changed(call, move |env, items| items.push(datum::run(&value, env)))
        },
    },
    Function {
        name: "ARRAY_PREPEND",
        usage: "ARRAY_PREPEND(array, value)",
        bind: value_of_array,
        compile: |call| {
            let (_, value, _) = with_value(call)?;
            changed(call, move |env, items| items.insert(0, datum::run(&value, env)))
        },
    },
    Function {
        name: "ARRAY_REMOVE",
        usage: "ARRAY_REMOVE(array, value)",
        bind: value_of_array,
        compile: |call| {
            let (_, value, _) = with_value(call)?;
            changed(call, move |env, items| {
                let value = datum::run(&value, env);
                items.retain(|item| *item != value);
            })
        },
    },
    Function {
        name: "ARRAY_DISTINCT",
        usage: "ARRAY_DISTINCT(array)",
        bind: |b| arrays(b, 1),
        compile: |call| changed(call, |_, items| distinct(items)),
    },
    Function {
        name: "ARRAY_REVERSE",
        usage: "ARRAY_REVERSE(array)",
        bind: |b| arrays(b, 1),
        compile: |call| changed(call, |_, items| items.reverse()),
    },
    Function {
        name: "ARRAY_SORT",
        usage: "ARRAY_SORT(array)",
        bind: |b| arrays(b, 1),
        compile: |call| changed(call, |_, items| items.sort_by(|a, b| order(*a, *b))),
    },
    Function {
        name: "ARRAY_MAX",
        usage: "ARRAY_MAX(array)",
        bind: item_of_array,
        compile: |call| extreme(call, Ordering::Greater),
    },
    Function {
        name: "ARRAY_MIN",
        usage: "ARRAY_MIN(array)",
        bind: item_of_array,
        compile: |call| extreme(call, Ordering::Less),
    },
    Function {
        name: "ARRAY_CONCAT",
        usage: "ARRAY_CONCAT(array, ...)",
        bind: |b| arrays(b, usize::MAX),
        compile: |call| joined(call, |_| ()),
    },
    Function {
        name: "ARRAY_UNION",
        usage: "ARRAY_UNION(array, other)",
        bind: |b| {
            b.count(2..=2)?;
            arrays(b, 2)
        },
        compile: |call| joined(call, distinct),
    },
    Function {
        name: "ARRAY_JOIN",
        usage: "ARRAY_JOIN(array, delimiter [, text for NULL])",
        bind: |b| {
            b.count(2..=3)?;
            match b.ty(0) {
                DataType::Array(of) if of.is_text() => {}
                _ => return Err(b.wrong(0, "an ARRAY of texts")),
            }
            (1..b.args.len()).try_for_each(|at| b.text(at))?;
            Ok((DataType::String, b.nullable()))
        },
        compile: join,
    },
    Function {
        name: "MAP_KEYS",
        usage: "MAP_KEYS(map)",
        bind: |b| of_map(b, |key, _| key),
        compile: |call| entries(call, |key, _, out, (ty, _)| items::put(out, key, ty)),
    },
    Function {
        name: "MAP_VALUES",
        usage: "MAP_VALUES(map)",
        bind: |b| of_map(b, |_, value| value),
        compile: |call| entries(call, |_, value, out, (_, ty)| items::put(out, value, ty)),
    },
    Function {
        name: "MAP_ENTRIES",
        usage: "MAP_ENTRIES(map)",
        bind: |b| {
            of_map(b, |key, value| {
                DataType::Row(vec![Field::new("key", key), Field::new("value", value)])
            })
        },
        compile: |call| {
            entries(call, |key, value, out, (key_type, value_type)| {
                out.push(1);
                items::put(out, key, key_type);
                items::put(out, value, value_type);
            })
        },
    },
];

/// The type of the items of argument `at`, which must be an array.
fn item_type(b: &Binding<'_>, at: usize) -> Result<DataType, SqlError> {
    match b.ty(at) {
        DataType::Array(of) => Ok((**of).clone()),
        _ => Err(b.wrong(at, "an ARRAY")),
    }
}

/// Takes an array and a value of its items' type; the result is such an array.
fn value_of_array(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    let of = item_type(b, 0)?;
    b.cast(1, &of)?;
    Ok((b.ty(0).clone(), b.args.first().is_some_and(|array| array.nullable)))
}

/// Takes 1 to `most` arrays of one type.
fn arrays(b: &mut Binding<'_>, most: usize) -> Result<(DataType, bool), SqlError> {
    b.count(1..=most)?;
    (0..b.args.len()).try_for_each(|at| item_type(b, at).map(drop))?;
    let places: Vec<_> = (0..b.args.len()).collect();
    Ok((b.common(&places)?, b.nullable()))
}

fn item_of_array(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    let of = item_type(b, 0)?;
    if items::is_nested(&of) {
        return Err(b.wrong(0, "an ARRAY of values that have an order"));
    }
    Ok((of, true))
}

fn of_map(
    b: &mut Binding<'_>,
    item: fn(DataType, DataType) -> DataType,
) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    match b.ty(0).clone() {
        DataType::Map(key, value) => {
            Ok((DataType::Array(Box::new(item(*key, *value))), b.nullable()))
        }
        _ => Err(b.wrong(0, "a MAP")),
    }
}

/// The items of an array.
fn each<'a>(mut array: &'a [u8], of: &DataType) -> impl Iterator<Item = Item<'a>> {
    let mut left = items::take_count(&mut array).unwrap_or(0);
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        items::take(&mut array, of)
    })
}

/// NULLs first.
fn order(a: Item<'_>, b: Item<'_>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => match (a, b) {
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(&b),
            (Datum::Int(a), Datum::Int(b)) => a.cmp(&b),
            (Datum::Wide(a), Datum::Wide(b)) => a.cmp(&b),
            (Datum::Float(a), Datum::Float(b)) => a.total_cmp(&b),
            (Datum::Bytes(a), Datum::Bytes(b)) => a.cmp(b),
            _ => Ordering::Equal,
        },
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// Each item once, where it is first.
fn distinct(items: &mut Scratch<'_, Item<'_>>) {
    let mut kept = 0;
    for at in 0..items.len() {
        let Some(item) = items.get(at).copied() else { break };
        if !items.iter().take(kept).any(|other| *other == item) {
            items.swap(kept, at);
            kept += 1;
        }
    }
    items.truncate(kept);
}

type WithValue = (code::RunBytes, Code, DataType);

/// The code of an array and of a value, and the type of its items.
fn with_value(call: &Call<'_>) -> Result<WithValue, SqlError> {
    let of = types_of(call).0;
    match call.codes.get(1) {
        Some(value) => Ok((call.bytes(0)?, value.clone(), of)),
        None => Err(SqlError::new(call.at, "a value is missing")),
    }
}

/// The types of the items of an array, or of the keys and values of a map, that the first argument is.
fn types_of(call: &Call<'_>) -> (DataType, DataType) {
    match call.args.first().map(|arg| &arg.ty) {
        Some(DataType::Array(of)) => ((**of).clone(), DataType::Null),
        Some(DataType::Map(key, value)) => ((**key).clone(), (**value).clone()),
        _ => (DataType::Null, DataType::Null),
    }
}

fn put_all<'a>(env: &Env<'a>, all: &[Item<'a>], of: &DataType) -> &'a [u8] {
    let mut out = env.builder();
    items::put_count(&mut out, all.len());
    for item in all {
        items::put(&mut out, *item, of);
    }
    built(out)
}

/// Code of an array of changed items.
fn changed(
    call: &Call<'_>,
    change: impl for<'a> Fn(&Env<'a>, &mut Scratch<'a, Item<'a>>) + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    let (array, of) = (call.bytes(0)?, types_of(call).0);
    Ok(bytes(move |env| {
        let mut all = Scratch::new_in(env.scratch);
        all.extend(each(array(env)?, &of));
        change(env, &mut all);
        Some(put_all(env, &all, &of))
    }))
}

/// Code of an array of the items of all arguments, changed.
fn joined(
    call: &Call<'_>,
    change: impl for<'a> Fn(&mut Scratch<'a, Item<'a>>) + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    let arrays: Vec<_> =
        (0..call.codes.len()).map(|at| call.bytes(at)).collect::<Result<_, _>>()?;
    let of = types_of(call).0;
    Ok(bytes(move |env| {
        let mut all = Scratch::new_in(env.scratch);
        for array in &arrays {
            all.extend(each(array(env)?, &of));
        }
        change(&mut all);
        Some(put_all(env, &all, &of))
    }))
}

/// Code of the greatest or least item that is not NULL.
fn extreme(call: &Call<'_>, wanted: Ordering) -> Result<Code, SqlError> {
    let (array, of) = (call.bytes(0)?, types_of(call).0);
    let take = move |env: &Env<'_>| -> Option<usize> {
        let mut best: Option<(usize, Datum<'_>)> = None;
        for (at, item) in each(array(env)?, &of).enumerate() {
            let Some(item) = item else { continue };
            if best.is_none_or(|(_, best)| order(Some(item), Some(best)) == wanted) {
                best = Some((at, item));
            }
        }
        best.map(|(at, _)| at)
    };
    let (array, of) = (call.bytes(0)?, types_of(call).0);
    macro_rules! of {
        ($get:ident) => {
            code::$get(move |env| {
                let at = take(env)?;
                each(array(env)?, &of).nth(at)?.and_then(Datum::$get)
            })
        };
    }
    Ok(by_repr!(call.ty.repr(), of))
}

/// NULLs are left out, unless there is a text for them.
fn join(call: &Call<'_>) -> Result<Code, SqlError> {
    let (array, delimiter, of, at) = (call.bytes(0)?, call.bytes(1)?, types_of(call).0, call.at);
    let null = if call.codes.len() > 2 { Some(call.bytes(2)?) } else { None };
    Ok(bytes(move |env| {
        let (array, delimiter) = (array(env)?, delimiter(env)?);
        let null = match &null {
            Some(null) => Some(null(env)?),
            None => None,
        };
        let (mut text, mut first) = (Builder::new(env), true);
        for item in each(array, &of) {
            let Some(item) = item.and_then(Datum::bytes).or(null) else { continue };
            text.push(if std::mem::take(&mut first) { b"" } else { delimiter });
            text.push(item);
        }
        text.finish(env, at)
    }))
}

/// Code of an array with an item for each entry of a map, which `put` writes.
fn entries(
    call: &Call<'_>,
    put: fn(Item<'_>, Item<'_>, &mut Scratch<'_, u8>, (&DataType, &DataType)),
) -> Result<Code, SqlError> {
    let (map, (key_type, value_type)) = (call.bytes(0)?, types_of(call));
    Ok(bytes(move |env| {
        let (mut rest, mut out) = (map(env)?, env.builder());
        let count = items::take_count(&mut rest)?;
        items::put_count(&mut out, count);
        for _ in 0..count {
            let (key, value) =
                (items::take(&mut rest, &key_type)?, items::take(&mut rest, &value_type)?);
            put(key, value, &mut out, (&key_type, &value_type));
        }
        Some(built(out))
    }))
}
