//! The bounds of a journal.

use tidewire_feeds::journal::{MESSAGE_BYTES_MAX, OF_BYTES_MAX, record_bytes};

/// Bytes of a segment, where nothing else is asked for: they are taken from the disk before they are used.
pub const SEGMENT_BYTES: usize = 16 << 20;
/// Bytes of a segment at least: a header and a record of a few kilobytes have room.
pub const SEGMENT_BYTES_MIN: usize = 64 << 10;
/// Bytes of a segment at most.
pub const SEGMENT_BYTES_MAX: usize = 1 << 30;

/// What the journal's thread may be asked for before it has answered.
pub(crate) const ASKED_MAX: usize = 64;
/// Segments that are ready before they are needed.
pub(crate) const SPARES_MAX: usize = 1;
/// While the disk is full, and messages are not kept, room is looked for once in so many of them.
pub(crate) const LOOK_AGAIN_EVERY: u64 = 1_024;

const _: () = assert!(SEGMENT_BYTES_MIN <= SEGMENT_BYTES && SEGMENT_BYTES <= SEGMENT_BYTES_MAX);
const _: () = assert!(record_bytes(MESSAGE_BYTES_MAX) + 2 * OF_BYTES_MAX <= SEGMENT_BYTES_MAX);
