//! `+ - * / %`: of integers first.
//!
//! An overflow is a fault with its operands, never a value.

use tidewire_event::DataType;

use super::{Binding, Call, Function};
use crate::code::Code;
use crate::error::SqlError;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function { name: "+", usage: "a + b", bind, compile: |call| ints(call, '+', i64::checked_add) },
    Function { name: "-", usage: "a - b", bind, compile: |call| ints(call, '-', i64::checked_sub) },
    Function { name: "*", usage: "a * b", bind, compile: |call| ints(call, '*', i64::checked_mul) },
];

fn bind(b: &mut Binding<'_>) -> Result<(DataType, bool), SqlError> {
    b.count(2..=2)?;
    b.integer(0)?;
    b.integer(1)?;
    Ok((b.common(&[0, 1])?, b.nullable()))
}

fn ints(
    call: &Call<'_>,
    sign: char,
    f: impl Fn(i64, i64) -> Option<i64> + Send + Sync + 'static,
) -> Result<Code, SqlError> {
    let (at, ty) = (call.at, call.ty.clone());
    let range = super::int_range(&ty);
    call.map2_int(move |env, a, b| match f(a, b) {
        Some(c) if range.contains(&c) => Some(c),
        _ => env.fail(at, || format!("{a} {sign} {b} does not fit into {ty}")),
    })
}
