//! The bounds of the books, and how they relate.

/// Live orders that one set of books holds: 67 million, 2 GiB of table. An add beyond it is refused and counted.
pub const ORDERS_MAX: usize = 1 << 26;

/// Instruments of one set of books, and so the first instrument number that is refused.
pub const INSTRUMENTS_MAX: u32 = 1 << 20;

/// Price levels on one side of a [`DepthBook`](super::DepthBook); a level beyond it is refused.
///
/// An order book needs no such bound: it has no more levels than orders.
pub const LEVELS_MAX: usize = 1 << 16;

/// Of each [`LOAD_DEN`] slots of the order table, how many may be taken before it grows.
pub(super) const LOAD_NUM: usize = 9;
/// Of each [`LOAD_DEN`] slots, how many are taken when the next table begins to be prepared.
pub(super) const PREPARE_NUM: usize = 7;
/// See [`LOAD_NUM`].
pub(super) const LOAD_DEN: usize = 16;

/// Slots of a new order table.
pub(super) const SLOTS_MIN: usize = 1 << 10;

/// Steps of moving house (an order moved, or an empty slot dropped) that each operation pays while the order table
/// grows.
pub(super) const MOVES_PER_OPERATION: usize = 8;

/// Slots of the next order table that each add writes while it is prepared.
pub(super) const SLOTS_PREPARED_PER_ADD: usize = 16;

/// The memory of the table left behind is given back in pieces of this many slots (64 KiB), so that no event pays
/// for unmapping it whole.
pub(super) const RELEASE_SLOTS: usize = 1 << 12;

/// Levels that lie together: 8 KiB, small enough to be written at once.
pub(super) const LEVELS_OF_CHUNK: usize = 1 << 8;

// An old table of n slots is empty after n steps for its slots and at most n for its orders: that is at most
// 2n / MOVES_PER_OPERATION operations. The new one has 2n slots, and n * LOAD orders and one for each of these
// operations by then: not enough to prepare its successor already.
const _: () =
    assert!(LOAD_NUM * MOVES_PER_OPERATION + 2 * LOAD_DEN <= 2 * PREPARE_NUM * MOVES_PER_OPERATION);
// The successor's 2n slots are written by as many adds as lie between the two loads.
const _: () = assert!((LOAD_NUM - PREPARE_NUM) * SLOTS_PREPARED_PER_ADD >= 2 * LOAD_DEN);
// The instrument and a bit for the side share 32 bits.
const _: () = assert!(INSTRUMENTS_MAX <= 1 << 31);
// The sum of all sizes fits a level's 64 bits.
const _: () = assert!((ORDERS_MAX as u128) * (u32::MAX as u128) <= u64::MAX as u128);
// Levels have numbers of 32 bits; the last marks none.
const _: () = assert!(ORDERS_MAX < u32::MAX as usize && LEVELS_OF_CHUNK.is_power_of_two());
// A pair of references is smaller than a table.
const _: () = assert!(SLOTS_MIN.is_power_of_two() && SLOTS_MIN >= 2);
