//! A bar that is not closed yet, as it lies in the state and in snapshots.
//!
//! 1. A part that is not there is all zeros: no trades have a count of zero, and no spread has no flags.
//! 2. What is read back is what was set.

use rkyv::Portable;
use tidewire_event::record::{i64_le, i128_le, u64_le};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::aggregate::{Spreads, Trades};

/// The record: see the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Partial {
    trades: TradesRecord,
    spread: SpreadsRecord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct TradesRecord {
    notional: i128_le,
    open_ts: i64_le,
    open: i64_le,
    high: i64_le,
    low: i64_le,
    close_ts: i64_le,
    close: i64_le,
    volume: u64_le,
    count: u64_le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Portable, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct SpreadsRecord {
    area: i128_le,
    first_ts: i64_le,
    before: i64_le,
    last_ts: i64_le,
    after: i64_le,
    covered: i64_le,
    flags: u64_le,
}

const _: () = assert!(size_of::<Partial>() == 144);

/// There is a spread.
const IS_THERE: u64 = 1;
/// A spread stood before the first change.
const HAS_BEFORE: u64 = 2;
/// A spread stands after the last change.
const HAS_AFTER: u64 = 4;

impl Partial {
    /// Without trades, and without a spread.
    pub(super) const NONE: Self = zerocopy::transmute!([0_u8; size_of::<Self>()]);

    /// What the trades come to, if there was one.
    #[inline]
    pub(super) fn trades(&self) -> Option<Trades> {
        let record = &self.trades;
        (record.count != 0).then(|| Trades {
            open_ts: record.open_ts.into(),
            open: record.open.into(),
            high: record.high.into(),
            low: record.low.into(),
            close_ts: record.close_ts.into(),
            close: record.close.into(),
            volume: record.volume.into(),
            notional: record.notional.into(),
            count: record.count.into(),
        })
    }

    /// The trades are these from now on, at least one.
    #[inline]
    pub(super) fn set_trades(&mut self, trades: &Trades) {
        self.trades = TradesRecord {
            notional: trades.notional.into(),
            open_ts: trades.open_ts.into(),
            open: trades.open.into(),
            high: trades.high.into(),
            low: trades.low.into(),
            close_ts: trades.close_ts.into(),
            close: trades.close.into(),
            volume: trades.volume.into(),
            count: trades.count.into(),
        };
    }

    /// The spreads, if one has changed.
    #[inline]
    pub(super) fn spread(&self) -> Option<Spreads> {
        let record = &self.spread;
        let flags = record.flags.to_native();
        (flags & IS_THERE != 0).then(|| Spreads {
            first_ts: record.first_ts.into(),
            before: (flags & HAS_BEFORE != 0).then(|| record.before.into()),
            last_ts: record.last_ts.into(),
            after: (flags & HAS_AFTER != 0).then(|| record.after.into()),
            area: record.area.into(),
            covered: record.covered.into(),
        })
    }

    /// The spreads are these from now on.
    #[inline]
    pub(super) fn set_spread(&mut self, spread: &Spreads) {
        let flag = |of: Option<i64>, flag| if of.is_some() { flag } else { 0 };
        let flags = IS_THERE | flag(spread.before, HAS_BEFORE) | flag(spread.after, HAS_AFTER);
        self.spread = SpreadsRecord {
            area: spread.area.into(),
            first_ts: spread.first_ts.into(),
            before: spread.before.unwrap_or(0).into(),
            last_ts: spread.last_ts.into(),
            after: spread.after.unwrap_or(0).into(),
            covered: spread.covered.into(),
            flags: flags.into(),
        };
    }
}
