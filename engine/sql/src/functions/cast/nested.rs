//! Casts of ARRAY, MAP and ROW: item by item.

use std::sync::Arc;

use tidewire_event::DataType;

use super::{Context, Convert, convert};
use crate::code::{Env, built};
use crate::datum::Datum;
use crate::items;

/// The conversion of one kind of item.
struct Item {
    from: DataType,
    to: DataType,
    convert: Convert,
}

impl Item {
    fn new(from: &DataType, to: &DataType, context: &Context) -> Option<Self> {
        let convert = convert::of(from, to, context)?;
        Some(Self { from: from.clone(), to: to.clone(), convert })
    }

    /// Takes an item, and puts what it becomes.
    fn run<'a>(
        &self,
        env: &Env<'a>,
        bytes: &mut &'a [u8],
        out: &mut bumpalo::collections::Vec<'a, u8>,
    ) -> Option<()> {
        let item = match items::take(bytes, &self.from)? {
            Some(item) => Some((self.convert)(env, item)?),
            None => None,
        };
        items::put(out, item, &self.to);
        Some(())
    }
}

/// The conversion of a nested type to another of its kind.
pub(super) fn of(from: &DataType, to: &DataType, context: &Context) -> Option<Convert> {
    let (parts, counted) = match (from, to) {
        (DataType::Array(from), DataType::Array(to)) => (vec![Item::new(from, to, context)?], true),
        (DataType::Map(key, value), DataType::Map(to_key, to_value)) => {
            (vec![Item::new(key, to_key, context)?, Item::new(value, to_value, context)?], true)
        }
        (DataType::Row(from), DataType::Row(to)) if from.len() == to.len() => {
            let items = from.iter().zip(to).map(|(a, b)| Item::new(&a.ty, &b.ty, context));
            (items.collect::<Option<Vec<_>>>()?, false)
        }
        _ => return None,
    };
    Some(Arc::new(move |env, value| {
        let mut bytes = value.bytes()?;
        let mut out = env.builder();
        let count = if counted {
            let count = items::take_count(&mut bytes)?;
            items::put_count(&mut out, count);
            count
        } else {
            1
        };
        for _ in 0..count {
            for item in &parts {
                item.run(env, &mut bytes, &mut out)?;
            }
        }
        Some(Datum::Bytes(built(out)))
    }))
}
