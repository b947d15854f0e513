//! What an aggregate keeps, by its name and the types of its arguments.

use std::sync::{Arc, Mutex};

use tidewire_dataflow::aggregates::{
    Accuracy, AggregateExt, Alpha, Size, TimeWeighted, avg_f64, ema, hyper_log_log, quantiles,
    stddev_pop, stddev_samp, sum_f64, time_weighted, var_pop, var_samp,
};
use tidewire_event::{DataType, Repr, RowLayout, Slot, Value, hash_of};

use super::AggregateCall;
use super::calls::{Answer, Answered, Calls, Op, Problem, State, is_whole};
use super::chosen::{ArgExtreme, Lag};
use super::codec::Codec;
use super::distinct::{Asked, Distinct};
use super::kept::{Edge, Extreme};
use super::library::{Library, float, floats};
use super::lists::{Becomes, List};
use super::prices::Vwap;
use super::totals::{TotalAnswer, put_whole};
use crate::error::SqlError;
use crate::expr::Expr;
use crate::session::Session;

/// Bytes for the values of lists in a window, of which results have to hold as much.
const LISTS_BYTES: usize = 3_000;
/// Bytes for the values of one list at most.
const LIST_BYTES: usize = 2_046;

/// Bytes for different values in a window.
const DISTINCTS_BYTES: usize = 5_000;
/// Bytes for those of one aggregate at most.
const DISTINCT_BYTES: usize = 4_094;

/// Bytes for either in the frame of a row: many of them lie in a record of the state.
const ROLLING_BYTES: usize = 238;

/// Bytes that an aggregate has for the values that it keeps, which all such aggregates of a step share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    list: usize,
    distinct: usize,
}

impl Room {
    /// Of one out of so many lists, and of one out of so many that keep different values.
    pub(super) fn shared(lists: usize, distincts: usize, is_rolling: bool) -> Self {
        let (lists, distincts) = (lists.max(1), distincts.max(1));
        match is_rolling {
            true => {
                let each = ROLLING_BYTES / lists.max(distincts);
                Self { list: each, distinct: each }
            }
            false => Self {
                list: (LISTS_BYTES / lists).min(LIST_BYTES),
                distinct: (DISTINCTS_BYTES / distincts).min(DISTINCT_BYTES),
            },
        }
    }
}

/// Whether an aggregate keeps the values of its rows.
pub(super) fn is_list(name: &str) -> bool {
    matches!(name, "LISTAGG" | "ARRAY_AGG" | "COLLECT")
}

/// Registers for the number of different values: an error of 3.3 %.
const REGISTERS: usize = 1024;

/// Those of the frame of a row: an error of 6.5 %.
const ROLLING_REGISTERS: usize = 256;

/// Buckets of each sign for quantiles with an error of 1 %: down to a hundredth of the greatest value.
const BUCKETS: usize = 250;

/// The state of a call whose arguments lie in these slots, and what its result is made of.
pub(super) fn make(
    call: &AggregateCall,
    slots: &[Slot],
    room: Room,
    is_rolling: bool,
    session: &Session,
) -> Result<(Op, Answered), SqlError> {
    let (Some(slot), Some(arg)) = (slots.first().copied(), call.args.first()) else {
        return Ok((Op::Count, Answered::Count { behind: 0 }));
    };
    // The least of different values is the least of all.
    if call.distinct && !matches!(call.name, "MIN" | "MAX") {
        let distinct = distinct(call, arg, slot, room, is_rolling, session)?;
        return Ok((Op::Other(Arc::new(distinct)), Answered::Other));
    }
    let total = match slot.repr {
        Repr::Wide => Op::WideTotal(slot),
        _ => Op::Total(slot),
    };
    Ok(match call.name {
        "COUNT" if slot.null_bit.is_none() => (Op::Count, Answered::Count { behind: 0 }),
        "COUNT" => (Op::CountOf(slot), Answered::Count { behind: 0 }),
        "SUM" if is_whole(&arg.ty) => (total, Answered::Total(TotalAnswer::Sum(call.ty.clone()))),
        "AVG" if is_whole(&arg.ty) => {
            let factor = power_of_ten(scale(&call.ty).saturating_sub(scale(&arg.ty)));
            let average = TotalAnswer::Average { ty: call.ty.clone(), factor };
            (total, Answered::Total(average))
        }
        "MIN" if matches!(slot.repr, Repr::Int(_)) => (Op::Least(slot), Answered::Extreme),
        "MAX" if matches!(slot.repr, Repr::Int(_)) => (Op::Greatest(slot), Answered::Extreme),
        _ => (Op::Other(other(call, arg, slot, slots, room, is_rolling)?), Answered::Other),
    })
}

fn scale(ty: &DataType) -> u32 {
    match ty {
        DataType::Decimal { scale, .. } => (*scale).into(),
        _ => 0,
    }
}

fn power_of_ten(exponent: u32) -> i128 {
    10_i128.pow(exponent.min(38))
}

/// Different values, and what is asked of them.
fn distinct(
    call: &AggregateCall,
    arg: &Expr,
    slot: Slot,
    room: Room,
    is_rolling: bool,
    session: &Session,
) -> Result<Distinct, SqlError> {
    let asked = match call.name {
        "COUNT" => None,
        _ => {
            let layout = RowLayout::new([(&arg.ty, false)])
                .map_err(|too_wide| SqlError::new(arg.at, too_wide.to_string()))?;
            let mut args = vec![Expr::column(0, arg.ty.clone(), false, arg.at)];
            args.extend(call.args.iter().skip(1).cloned());
            let of = AggregateCall { distinct: false, filter: None, args, ..call.clone() };
            let calls = Mutex::new(Calls::new(&[of], &layout, is_rolling, session)?);
            Some(Asked { calls, layout })
        }
    };
    Ok(Distinct { codec: Codec::new(&arg.ty), slot, room: room.distinct, asked })
}

/// Those that are none of the common ones.
fn other(
    call: &AggregateCall,
    arg: &Expr,
    slot: Slot,
    slots: &[Slot],
    room: Room,
    is_rolling: bool,
) -> Result<Arc<dyn State>, SqlError> {
    let codec = Codec::new(&arg.ty);
    let refused = |problem: &dyn std::fmt::Display| SqlError::new(call.at, problem.to_string());
    /// An aggregate over one floating-point number.
    macro_rules! of_float {
        ($aggregate:expr, $lower:expr) => {
            Arc::new(Library { aggregate: $aggregate, read: floats(slot, &arg.ty), lower: $lower })
        };
    }
    Ok(match call.name {
        "SUM" => of_float!(sum_f64(|value: &f64| *value), float),
        "AVG" => of_float!(avg_f64(|value: &f64| *value), float),
        "VAR_POP" => of_float!(var_pop(|value: &f64| *value), of_type(&call.ty)),
        "VAR_SAMP" => of_float!(var_samp(|value: &f64| *value), of_type(&call.ty)),
        "STDDEV_POP" => of_float!(stddev_pop(|value: &f64| *value), of_type(&call.ty)),
        "STDDEV_SAMP" => of_float!(stddev_samp(|value: &f64| *value), of_type(&call.ty)),
        "MIN" => Arc::new(Extreme { codec, slot, greatest: false }),
        "MAX" => Arc::new(Extreme { codec, slot, greatest: true }),
        "FIRST_VALUE" => Arc::new(Edge { codec, slot, last: false }),
        "LAST_VALUE" => Arc::new(Edge { codec, slot, last: true }),
        "LISTAGG" => {
            let separator = match call.args.get(1).and_then(Expr::as_literal) {
                Some(Value::Bytes(text)) => text.clone(),
                _ => b",".to_vec(),
            };
            Arc::new(List { codec, slot, becomes: Becomes::Text(separator), room: room.list })
        }
        "ARRAY_AGG" => Arc::new(List { codec, slot, becomes: Becomes::Array, room: room.list }),
        "COLLECT" => Arc::new(List { codec, slot, becomes: Becomes::Counts, room: room.list }),
        "APPROX_COUNT_DISTINCT" => {
            let lower = |count: u64, answer: &mut Answer<'_, '_>| {
                answer.writer.int(answer.slot, count as i64);
                Ok(())
            };
            let read = hashes(slot);
            match is_rolling {
                true => {
                    let aggregate = hyper_log_log(Size::<ROLLING_REGISTERS>, |hash: &u64| *hash);
                    Arc::new(Library { aggregate, read, lower })
                }
                false => {
                    let aggregate = hyper_log_log(Size::<REGISTERS>, |hash: &u64| *hash);
                    Arc::new(Library { aggregate, read, lower })
                }
            }
        }
        "APPROX_PERCENTILE" | "MEDIAN" => {
            if is_rolling {
                let problem = format!("{} keeps too much for an OVER window", call.name);
                return Err(SqlError::new(call.at, problem).help("use HOP"));
            }
            let share = call.args.get(1).map_or(Some(0.5), number);
            let share = share.filter(|share| (0.0..=1.0).contains(share));
            let share = share.ok_or_else(|| {
                SqlError::new(call.at, "the share of a percentile is a number from 0 to 1")
            })?;
            let accuracy = Accuracy::new(0.01).map_err(|error| refused(&error))?;
            let aggregate = quantiles(Size::<BUCKETS>, accuracy, [share], |value: &f64| *value);
            of_float!(aggregate.map(|found| found.map(|[value]| value)), float)
        }
        "EMA" => {
            let alpha = match call.args.get(1).and_then(|arg| Some((arg, arg.as_literal()?))) {
                Some((arg, Value::Int(span))) if arg.ty.is_integer() => {
                    Alpha::of_span(u32::try_from(*span).unwrap_or(0))
                }
                Some((arg, _)) => Alpha::new(number(arg).unwrap_or(0.0)),
                None => Alpha::new(0.0),
            };
            of_float!(ema(alpha.map_err(|error| refused(&error))?, |value: &f64| *value), float)
        }
        "TWAP" => {
            let aggregate = time_weighted(|value: &f64| *value);
            let average = |found: Option<TimeWeighted<f64>>| found.map(|found| found.to_f64());
            of_float!(aggregate.map(average), float)
        }
        "VWAP" | "ARG_MIN" | "ARG_MAX" => {
            let (Some(second), Some(second_slot)) = (call.args.get(1), slots.get(1).copied())
            else {
                return Err(SqlError::new(call.at, format!("{} takes two arguments", call.name)));
            };
            match call.name {
                "VWAP" => vwap(call, arg, slot, second, second_slot),
                name => Arc::new(ArgExtreme {
                    codec,
                    slot,
                    by: Codec::new(&second.ty),
                    by_slot: second_slot,
                    greatest: name == "ARG_MAX",
                }),
            }
        }
        "LAG" => {
            let default = call.args.get(2).and_then(Expr::as_literal);
            let default = default.cloned().unwrap_or(Value::Null);
            Arc::new(Lag { codec, slot, rows: super::lag_rows(call), default })
        }
        name => return Err(SqlError::new(call.at, format!("there is no aggregate {name}"))),
    })
}

/// A price by volume: exact, but of floating-point numbers.
fn vwap(
    call: &AggregateCall,
    price: &Expr,
    price_slot: Slot,
    quantity: &Expr,
    quantity_slot: Slot,
) -> Arc<dyn State> {
    let is_exact = |slot: Slot| matches!(slot.repr, Repr::Int(_));
    if is_exact(price_slot) && is_exact(quantity_slot) {
        let (of, to) = (scale(&price.ty), scale(&call.ty));
        let is_double = call.ty == DataType::Double;
        let factor = power_of_ten(if is_double { of } else { to.saturating_sub(of) });
        let ty = call.ty.clone();
        return Arc::new(Vwap { price: price_slot, quantity: quantity_slot, ty, factor });
    }
    let (of_price, of_quantity) =
        (floats(price_slot, &price.ty), floats(quantity_slot, &quantity.ty));
    let read = move |row: &[u8]| of_price(row).zip(of_quantity(row));
    let paid = sum_f64(|(price, quantity): &(f64, f64)| price * quantity);
    let volume = sum_f64(|(_, quantity): &(f64, f64)| *quantity);
    let aggregate = (paid, volume).map(|(paid, volume): (Option<f64>, Option<f64>)| {
        let (paid, volume) = paid.zip(volume)?;
        (volume != 0.0).then(|| paid / volume)
    });
    Arc::new(Library { aggregate, read, lower: float })
}

/// The hash of a value, of a column of any type.
fn hashes(slot: Slot) -> impl Fn(&[u8]) -> Option<u64> + use<> {
    move |row: &[u8]| {
        if slot.is_null(row) {
            return None;
        }
        Some(match slot.repr {
            Repr::Bool => slot.bool(row).into(),
            Repr::Int(_) => hash_of(&slot.int(row)),
            Repr::Wide => hash_of(&slot.wide(row)),
            Repr::Float(_) => hash_of(&super::codec::canonical(slot.float(row)).to_bits()),
            Repr::Bytes => {
                let text = slot.text(row);
                tidewire_event::key::hash_of_bytes(text, text.len())
            }
        })
    }
}

/// The number that a constant is.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    let units = power_of_ten(scale(&expr.ty)) as f64;
    match expr.as_literal()? {
        Value::Int(value) => Some(*value as f64 / units),
        Value::Wide(value) => Some(*value as f64 / units),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Writes a floating-point answer as a number of a type: whole numbers are cut, decimals rounded.
fn of_type(
    ty: &DataType,
) -> impl Fn(Option<f64>, &mut Answer<'_, '_>) -> Result<(), Problem> + use<> {
    let ty = ty.clone();
    move |value, answer| match value {
        Some(value) if is_whole(&ty) => {
            let units = value * power_of_ten(scale(&ty)) as f64;
            let units = if scale(&ty) > 0 { units.round() } else { units.trunc() };
            put_whole(Some(units as i128), &ty, "number", answer)
        }
        value => float(value, answer),
    }
}
