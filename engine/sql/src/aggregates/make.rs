//! What an aggregate keeps, by its name and the types of its arguments.

use std::sync::Arc;

use tidewire_dataflow::aggregates::{avg_f64, stddev_pop, stddev_samp, sum_f64, var_pop, var_samp};
use tidewire_event::{DataType, Repr, Slot};

use super::AggregateCall;
use super::calls::{Answered, Op, State, is_whole};
use super::codec::Codec;
use super::kept::{Edge, Extreme};
use super::library::{Library, float, floats};
use super::totals::TotalAnswer;
use crate::error::SqlError;
use crate::session::Session;

/// The state of a call whose arguments lie in these slots, and what its result is made of.
pub(super) fn make(
    call: &AggregateCall,
    slots: &[Slot],
    is_rolling: bool,
    session: &Session,
) -> Result<(Op, Answered), SqlError> {
    let _ = (is_rolling, session);
    let (Some(slot), Some(arg)) = (slots.first().copied(), call.args.first()) else {
        return match call.name {
            "COUNT" => Ok((Op::Count, Answered::Count { behind: 0 })),
            name => Err(SqlError::new(call.at, format!("{name} needs an argument"))),
        };
    };
    let total = match slot.repr {
        Repr::Wide => Op::WideTotal(slot),
        _ => Op::Total(slot),
    };
    Ok(match call.name {
        "COUNT" if slot.null_bit.is_none() => (Op::Count, Answered::Count { behind: 0 }),
        "COUNT" => (Op::CountOf(slot), Answered::Count { behind: 0 }),
        "SUM" if is_whole(&arg.ty) => (total, Answered::Total(TotalAnswer::Sum(call.ty.clone()))),
        "AVG" if is_whole(&arg.ty) => {
            let factor = 10_i128.pow(scale(&call.ty).saturating_sub(scale(&arg.ty)));
            let average = TotalAnswer::Average { ty: call.ty.clone(), factor };
            (total, Answered::Total(average))
        }
        "MIN" if matches!(slot.repr, Repr::Int(_)) => (Op::Least(slot), Answered::Extreme),
        "MAX" if matches!(slot.repr, Repr::Int(_)) => (Op::Greatest(slot), Answered::Extreme),
        _ => (Op::Other(other(call, slot)?), Answered::Other),
    })
}

fn scale(ty: &DataType) -> u32 {
    match ty {
        DataType::Decimal { scale, .. } => (*scale).into(),
        _ => 0,
    }
}

/// Those that are none of the common ones.
fn other(call: &AggregateCall, slot: Slot) -> Result<Arc<dyn State>, SqlError> {
    let Some(arg) = call.args.first() else {
        return Err(SqlError::new(call.at, format!("{} needs an argument", call.name)));
    };
    let codec = Codec::new(&arg.ty);
    /// An aggregate over one floating-point number.
    macro_rules! of_float {
        ($aggregate:expr) => {
            Arc::new(Library { aggregate: $aggregate, read: floats(slot, &arg.ty), lower: float })
        };
    }
    Ok(match call.name {
        "SUM" => of_float!(sum_f64(|value: &f64| *value)),
        "AVG" => of_float!(avg_f64(|value: &f64| *value)),
        "VAR_POP" => of_float!(var_pop(|value: &f64| *value)),
        "VAR_SAMP" => of_float!(var_samp(|value: &f64| *value)),
        "STDDEV_POP" => of_float!(stddev_pop(|value: &f64| *value)),
        "STDDEV_SAMP" => of_float!(stddev_samp(|value: &f64| *value)),
        "MIN" => Arc::new(Extreme { codec, slot, greatest: false }),
        "MAX" => Arc::new(Extreme { codec, slot, greatest: true }),
        "FIRST_VALUE" => Arc::new(Edge { codec, slot, last: false }),
        "LAST_VALUE" => Arc::new(Edge { codec, slot, last: true }),
        name => return Err(SqlError::new(call.at, format!("there is no aggregate {name}"))),
    })
}
