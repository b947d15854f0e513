//! ARRAY, MAP and ROW: made of values, and taken apart.

#[cfg(test)]
mod tests;

use tidewire_event::{DataType, Field, Value};

use super::{Binding, Call, Function, by_repr};
use crate::code::{self, Code, Env, built, bytes, int};
use crate::datum::{self, Datum};
use crate::error::SqlError;
use crate::items;

type Bytes<'a> = bumpalo::collections::Vec<'a, u8>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function { name: "ARRAY", usage: "ARRAY[a, ...]", bind: bind_array, compile: make },
    Function { name: "MAP", usage: "MAP[key, value, ...]", bind: bind_map, compile: make },
    Function { name: "ROW", usage: "ROW(a, ...)", bind: bind_row, compile: make },
    Function {
        name: "ITEM",
        usage: "array[position], position from 1, or map[key]",
        bind: bind_item,
        compile: item,
    },
    Function {
        name: "FIELD",
        usage: "FIELD(row, position), position from 0",
        bind: bind_field,
        compile: field,
    },
    Function {
        name: "CARDINALITY",
        usage: "CARDINALITY(array or map)",
        bind: bind_cardinality,
        compile: cardinality,
    },
    Function { name: "ELEMENT", usage: "ELEMENT(array)", bind: bind_element, compile: element },
];

fn bind_array(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=usize::MAX)?;
    let of = b.common(&(0..b.args.len()).collect::<Vec<_>>())?;
    Ok((DataType::Array(Box::new(of)), false))
}

fn bind_map(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=usize::MAX)?;
    if !b.args.len().is_multiple_of(2) {
        let problem = "MAP takes a value for each key";
        return Err(SqlError::new(b.at, problem).help("it is called as MAP[key, value, ...]"));
    }
    let key = b.common(&(0..b.args.len()).step_by(2).collect::<Vec<_>>())?;
    let value = b.common(&(1..b.args.len()).step_by(2).collect::<Vec<_>>())?;
    Ok((DataType::Map(Box::new(key), Box::new(value)), false))
}

fn bind_row(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=usize::MAX)?;
    let fields = b.args.iter().enumerate().map(|(at, arg)| Field {
        name: format!("EXPR${at}"),
        ty: arg.ty.clone(),
        nullable: arg.nullable,
    });
    Ok((DataType::Row(fields.collect()), false))
}

/// Code of a nested value. Of a key that a MAP is given twice, the last value counts.
fn make(call: &Call<'_>) -> Result<Code, SqlError> {
    let parts = call.codes.iter().cloned().zip(call.args.iter().map(|arg| arg.ty.clone()));
    let parts: Box<[(Code, DataType)]> = parts.collect();
    let ty = call.ty.clone();
    Ok(bytes(move |env| {
        let mut out = env.builder();
        match &ty {
            DataType::Map(..) => put_entries(env, &parts, &mut out),
            ty => {
                if matches!(ty, DataType::Array(_)) {
                    items::put_count(&mut out, parts.len());
                }
                for (code, ty) in &parts {
                    items::put(&mut out, datum::run(code, env), ty);
                }
            }
        }
        Some(built(out))
    }))
}

fn put_entries<'a>(env: &Env<'a>, parts: &[(Code, DataType)], out: &mut Bytes<'a>) {
    let encoded = |(code, ty): &(Code, DataType)| {
        let mut item = env.builder();
        items::put(&mut item, datum::run(code, env), ty);
        built(item)
    };
    let mut entries = bumpalo::collections::Vec::<(&[u8], &[u8])>::new_in(env.scratch);
    for entry in parts.chunks_exact(2) {
        let [key, value] = entry else { continue };
        let (key, value) = (encoded(key), encoded(value));
        match entries.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key, value)),
        }
    }
    items::put_count(out, entries.len());
    for (key, value) in entries {
        out.extend_from_slice_copy(key);
        out.extend_from_slice_copy(value);
    }
}

fn bind_item(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    match b.ty(0).clone() {
        DataType::Array(of) => {
            b.integer(1)?;
            Ok((*of, true))
        }
        DataType::Map(key, value) => {
            b.cast(1, &key)?;
            Ok((*value, true))
        }
        _ => Err(b.wrong(0, "an ARRAY or a MAP")),
    }
}

/// Code that takes a value of the call's type out of a nested one.
fn taken(
    call: &Call<'_>,
    take: impl for<'a> Fn(&Env<'a>) -> Option<Datum<'a>> + Send + Sync + 'static,
) -> Code {
    macro_rules! of {
        ($get:ident) => {
            code::$get(move |env| take(env).and_then(Datum::$get))
        };
    }
    by_repr!(call.ty.repr(), of)
}

fn item(call: &Call<'_>) -> Result<Code, SqlError> {
    let (nested, ty, at) = (call.bytes(0)?, call.ty.clone(), call.at);
    let Some(DataType::Map(key_type, _)) = call.args.first().map(|arg| arg.ty.clone()) else {
        let position = call.int(1)?;
        return Ok(taken(call, move |env| {
            let (mut bytes, position) = (nested(env)?, position(env)?);
            if position < 1 {
                let problem = || format!("there is no item {position} of an ARRAY: the first is 1");
                return env.fail(at, problem);
            }
            let count = items::take_count(&mut bytes)? as u64;
            let position = position.unsigned_abs();
            if position > count {
                return None;
            }
            for _ in 1..position {
                items::take(&mut bytes, &ty)?;
            }
            items::take(&mut bytes, &ty)?
        }));
    };
    let key = call.codes.get(1).cloned();
    let key = key.ok_or_else(|| SqlError::new(at, "an item of a MAP without a key"))?;
    Ok(taken(call, move |env| {
        let mut bytes = nested(env)?;
        let wanted = Some(datum::run(&key, env)?);
        for _ in 0..items::take_count(&mut bytes)? {
            let is_wanted = items::take(&mut bytes, &key_type)? == wanted;
            let value = items::take(&mut bytes, &ty)?;
            if is_wanted {
                return value;
            }
        }
        None
    }))
}

/// The field that a call of FIELD is of.
fn field_of(args: &[crate::expr::Expr]) -> Option<(usize, &[Field])> {
    let [row, position] = args else { return None };
    let (DataType::Row(fields), Some(Value::Int(position))) = (&row.ty, position.as_literal())
    else {
        return None;
    };
    let position = usize::try_from(*position).ok()?;
    (position < fields.len()).then_some((position, fields))
}

fn bind_field(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    let Some((position, fields)) = field_of(&b.args) else {
        return Err(b.wrong(0, "a ROW that has the field"));
    };
    let field = fields.get(position).cloned().ok_or_else(|| b.no_such())?;
    Ok((field.ty, field.nullable || b.nullable()))
}

fn field(call: &Call<'_>) -> Result<Code, SqlError> {
    let row = call.bytes(0)?;
    let Some((position, fields)) = field_of(call.args) else {
        return Err(SqlError::new(call.at, "a ROW has no such field"));
    };
    let (before, ty): (Box<[_]>, _) =
        (fields.iter().take(position).map(|field| field.ty.clone()).collect(), call.ty.clone());
    Ok(taken(call, move |env| {
        let mut bytes = row(env)?;
        for ty in &before {
            items::take(&mut bytes, ty)?;
        }
        items::take(&mut bytes, &ty)?
    }))
}

fn bind_cardinality(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    match b.ty(0) {
        DataType::Array(_) | DataType::Map(..) => Ok((DataType::Int, b.nullable())),
        _ => Err(b.wrong(0, "an ARRAY or a MAP")),
    }
}

fn cardinality(call: &Call<'_>) -> Result<Code, SqlError> {
    let nested = call.bytes(0)?;
    Ok(int(move |env| i64::try_from(items::take_count(&mut nested(env)?)?).ok()))
}

fn bind_element(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(1..=1)?;
    match b.ty(0) {
        DataType::Array(of) => Ok(((**of).clone(), true)),
        _ => Err(b.wrong(0, "an ARRAY")),
    }
}

fn element(call: &Call<'_>) -> Result<Code, SqlError> {
    let (array, ty, at) = (call.bytes(0)?, call.ty.clone(), call.at);
    Ok(taken(call, move |env| {
        let mut bytes = array(env)?;
        match items::take_count(&mut bytes)? {
            0 => None,
            1 => items::take(&mut bytes, &ty)?,
            count => env.fail(at, || format!("ELEMENT of an ARRAY of {count} items: it takes one")),
        }
    }))
}
