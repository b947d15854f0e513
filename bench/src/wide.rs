//! A state of wide records, for measurements of snapshots: eight million keys lie in 1 GiB of slots.

use std::cmp::Ordering;
use std::convert::Infallible;

use tidewire::event::Prepared;
use tidewire::event::record::u64_le;
use tidewire::prelude::*;

/// Count and what else a record of 64 bytes holds.
pub type Value = [u64_le; 6];

/// Sums that fill a [`Value`].
#[derive(Clone)]
pub struct Count;

impl Aggregate for Count {
    type In = u64;
    type Partial = Value;
    type Out = u64;

    fn lift(&self, _: &Header, event: &u64) -> Value {
        [u64_le::from_native(*event); 6]
    }

    fn combine(&self, a: &Value, b: &Value) -> Value {
        std::array::from_fn(|at| (a[at] + b[at]).into())
    }

    fn lower(&self, _: Window, value: &Value) -> u64 {
        value[0].to_native()
    }
}

/// A sink that keeps nothing, and can be part of a snapshot.
pub struct Nowhere;

impl Sink for Nowhere {
    type Row = WindowRow<u64, u64>;
    type Late = u64;
    type Error = Infallible;

    fn compare(&self, _: &Self::Row, _: &Self::Row) -> Ordering {
        Ordering::Equal
    }

    fn row(&mut self, _: Self::Row) -> Result<(), Infallible> {
        Ok(())
    }

    fn late(&mut self, _: &Header, _: u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Prepared, Infallible> {
        Ok(Prepared::Ready(Vec::new()))
    }

    fn finish(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
