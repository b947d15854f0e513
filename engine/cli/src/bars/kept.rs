//! What is kept of the books in tables of the shard's arena, so that it is in snapshots.
//!
//! 1. The tables hold what the books hold: every live order, every level of a feed without orders, and of every
//!    instrument what bars and totals go on from.
//! 2. The keys of orders and levels begin with their instrument's: they lie in its key group, and go where it goes.
//! 3. A record is written only when it changes.
//! 4. A table is made when it has its first record.

use rkyv::Portable;
use tidewire_event::record::{i64_le, u32_le, u64_le};
use tidewire_event::{Key, Record};
use tidewire_feeds::Side;
use tidewire_feeds::book::Counters;
use tidewire_state::{Arena, CaptureTurn, Durable, Image, LayoutMismatch, Log, Table, TableId};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::step::Instrument;

/// The number of the table of orders. These numbers and the records below are part of the snapshot format.
const ORDERS: u32 = 16;
/// The number of the table of price levels.
const LEVELS: u32 = 17;
/// The number of the table of instruments.
const INSTRUMENTS: u32 = 18;

/// The bytes of a key that are the instrument's number.
const INSTRUMENT_BYTES: usize = 4;

/// An order of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OrderKey {
    pub(super) instrument: u32,
    pub(super) reference: u64,
}

/// [`OrderKey`] as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct OrderKeyRecord {
    instrument: u32_le,
    zero: u32_le,
    reference: u64_le,
}

/// What rests of an order.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct OrderRecord {
    price: i64_le,
    size: u32_le,
    side: u32_le,
}

/// A price level of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LevelKey {
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) price: i64,
}

/// [`LevelKey`] as it is kept.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct LevelKeyRecord {
    instrument: u32_le,
    side: u32_le,
    price: i64_le,
}

/// An instrument that has been seen.
#[derive(Debug, Clone, Copy, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct InstrumentRecord {
    last_ts: i64_le,
    bid: i64_le,
    ask: i64_le,
    trade_breaks: u64_le,
    unknown_references: u64_le,
    duplicate_references: u64_le,
    excess_sizes: u64_le,
    zero_sizes: u64_le,
    refused_at_bound: u64_le,
}

const _: () = assert!(size_of::<OrderKeyRecord>() == 16 && size_of::<OrderRecord>() == 16);
const _: () = assert!(size_of::<LevelKeyRecord>() == 16 && size_of::<InstrumentRecord>() == 72);

impl Key for OrderKey {
    type Archived = OrderKeyRecord;
    const GROUP_BYTES: usize = INSTRUMENT_BYTES;

    #[inline]
    fn archive(&self) -> OrderKeyRecord {
        let (instrument, reference) = (self.instrument.into(), self.reference.into());
        OrderKeyRecord { instrument, zero: 0.into(), reference }
    }

    #[inline]
    fn read(archived: &OrderKeyRecord) -> Self {
        Self { instrument: archived.instrument.into(), reference: archived.reference.into() }
    }
}

impl Key for LevelKey {
    type Archived = LevelKeyRecord;
    const GROUP_BYTES: usize = INSTRUMENT_BYTES;

    #[inline]
    fn archive(&self) -> LevelKeyRecord {
        let (instrument, side) = (self.instrument.into(), number_of(self.side));
        LevelKeyRecord { instrument, side, price: self.price.into() }
    }

    #[inline]
    fn read(archived: &LevelKeyRecord) -> Self {
        Self {
            instrument: archived.instrument.into(),
            side: side_of(archived.side),
            price: archived.price.into(),
        }
    }
}

fn number_of(side: Side) -> u32_le {
    u32::from(side == Side::Sell).into()
}

fn side_of(number: u32_le) -> Side {
    if number == 0 { Side::Buy } else { Side::Sell }
}

impl OrderRecord {
    pub(super) fn new(side: Side, price: i64, size: u32) -> Self {
        Self { price: price.into(), size: size.into(), side: number_of(side) }
    }

    /// Its side, price and size.
    pub(super) fn parts(&self) -> (Side, i64, u32) {
        (side_of(self.side), self.price.into(), self.size.into())
    }
}

impl From<&Instrument> for InstrumentRecord {
    fn from(instrument: &Instrument) -> Self {
        let counters = &instrument.counters;
        Self {
            last_ts: instrument.last_ts.into(),
            bid: instrument.bid.into(),
            ask: instrument.ask.into(),
            trade_breaks: instrument.trade_breaks.into(),
            unknown_references: counters.unknown_references.into(),
            duplicate_references: counters.duplicate_references.into(),
            excess_sizes: counters.excess_sizes.into(),
            zero_sizes: counters.zero_sizes.into(),
            refused_at_bound: counters.refused_at_bound.into(),
        }
    }
}

impl From<&InstrumentRecord> for Instrument {
    fn from(record: &InstrumentRecord) -> Self {
        Self {
            seen: true,
            last_ts: record.last_ts.into(),
            bid: record.bid.into(),
            ask: record.ask.into(),
            trade_breaks: record.trade_breaks.into(),
            counters: Counters {
                unknown_references: record.unknown_references.into(),
                duplicate_references: record.duplicate_references.into(),
                excess_sizes: record.excess_sizes.into(),
                zero_sizes: record.zero_sizes.into(),
                refused_at_bound: record.refused_at_bound.into(),
            },
        }
    }
}

/// The tables: see the module.
#[derive(Debug)]
pub(super) struct Kept {
    arena: Arena,
    orders: Option<Table<OrderKey, OrderRecord>>,
    levels: Option<Table<LevelKey, u64_le>>,
    instruments: Option<Table<u32, InstrumentRecord>>,
}

/// The state's budget has no room for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Kept {
    pub(super) fn new(arena: &Arena) -> Self {
        Self { arena: arena.clone(), orders: None, levels: None, instruments: None }
    }

    pub(super) fn put_order(&mut self, key: &OrderKey, order: OrderRecord) -> Result<(), NoRoom> {
        put(&mut self.orders, &self.arena, key, order)
    }

    /// An order has another size from now on.
    pub(super) fn resize_order(&mut self, key: &OrderKey, size: u32) {
        if let Some(order) = self.orders.as_mut().and_then(|orders| orders.get_mut(key)) {
            order.size = size.into();
        }
    }

    pub(super) fn remove_order(&mut self, key: &OrderKey) {
        if let Some(orders) = &mut self.orders {
            orders.remove(key);
        }
    }

    pub(super) fn put_level(&mut self, key: &LevelKey, size: u64) -> Result<(), NoRoom> {
        put(&mut self.levels, &self.arena, key, size.into())
    }

    pub(super) fn remove_level(&mut self, key: &LevelKey) {
        if let Some(levels) = &mut self.levels {
            levels.remove(key);
        }
    }

    pub(super) fn put_instrument(&mut self, number: u32, now: &Instrument) -> Result<(), NoRoom> {
        put(&mut self.instruments, &self.arena, &number, now.into())
    }

    /// All orders, by instrument and reference.
    pub(super) fn orders(&self) -> Vec<(OrderKey, OrderRecord)> {
        let mut orders = all(&self.orders);
        orders.sort_unstable_by_key(|(key, _)| *key);
        orders
    }

    /// All levels with their sizes, by instrument and side, and there from the worst price to the best.
    pub(super) fn levels(&self) -> Vec<(LevelKey, u64)> {
        let levels = all(&self.levels).into_iter().map(|(key, size)| (key, size.to_native()));
        let mut levels: Vec<_> = levels.collect();
        levels.sort_unstable_by_key(|(key, _)| {
            let is_sell = key.side == Side::Sell;
            (key.instrument, is_sell, if is_sell { !key.price } else { key.price })
        });
        levels
    }

    /// All instruments, in no order that means anything.
    pub(super) fn instruments(&self) -> impl Iterator<Item = (u32, Instrument)> + '_ {
        let records = self.instruments.iter().flat_map(Table::iter);
        records.map(|(number, record)| (number, record.into()))
    }
}

fn put<K: Key, V: Record>(
    table: &mut Option<Table<K, V>>,
    arena: &Arena,
    key: &K,
    value: V,
) -> Result<(), NoRoom> {
    if table.is_none() {
        *table = arena.table().ok();
    }
    let place = table.as_mut().and_then(|table| table.entry(key, || value)).ok_or(NoRoom)?;
    *place = value;
    Ok(())
}

fn all<K: Key, V: Record>(table: &Option<Table<K, V>>) -> Vec<(K, V)> {
    table.iter().flat_map(Table::iter).map(|(key, value)| (key, *value)).collect()
}

impl Durable for Kept {
    fn freeze(&mut self) {
        self.orders.iter_mut().for_each(Table::freeze);
        self.levels.iter_mut().for_each(Table::freeze);
        self.instruments.iter_mut().for_each(Table::freeze);
    }

    fn capture(&mut self, records: usize, log: &mut impl Log) -> bool {
        let mut turn = CaptureTurn::new(records);
        capture(&mut self.orders, &mut turn, ORDERS, log);
        capture(&mut self.levels, &mut turn, LEVELS, log);
        capture(&mut self.instruments, &mut turn, INSTRUMENTS, log);
        turn.is_done()
    }

    fn give_up(&mut self) {
        self.orders.iter_mut().for_each(Table::give_up);
        self.levels.iter_mut().for_each(Table::give_up);
        self.instruments.iter_mut().for_each(Table::give_up);
    }

    fn overflowed(&self) -> bool {
        self.orders.iter().any(Table::overflowed)
            || self.levels.iter().any(Table::overflowed)
            || self.instruments.iter().any(Table::overflowed)
    }

    fn restore(&mut self, image: &mut Image) -> Result<(), LayoutMismatch> {
        self.orders = adopt(image, ORDERS, &self.arena)?;
        self.levels = adopt(image, LEVELS, &self.arena)?;
        self.instruments = adopt(image, INSTRUMENTS, &self.arena)?;
        Ok(())
    }
}

fn capture<K: Key, V: Record>(
    table: &mut Option<Table<K, V>>,
    turn: &mut CaptureTurn,
    number: u32,
    log: &mut impl Log,
) {
    if let Some(table) = table {
        turn.capture(table, TableId { number, instance: 0 }, log);
    }
}

fn adopt<K: Key, V: Record>(
    image: &mut Image,
    number: u32,
    arena: &Arena,
) -> Result<Option<Table<K, V>>, LayoutMismatch> {
    let stored = image.take(number).pop();
    stored.map(|(_, table)| Table::adopt(table, arena.is_tracked)).transpose()
}
