//! Time is `i64` nanoseconds since the Unix epoch, UTC; durations are `i64` nanoseconds.

/// One microsecond, in nanoseconds.
pub const MICROSECOND: i64 = 1_000;
/// One millisecond, in nanoseconds.
pub const MILLISECOND: i64 = 1_000_000;
/// One second, in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;
/// One minute, in nanoseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour, in nanoseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day of 24 hours, in nanoseconds.
pub const DAY: i64 = 24 * HOUR;

/// The watermark before the first event: it promises nothing.
pub const WATERMARK_NONE: i64 = i64::MIN;
/// The watermark at the end of a bounded input: it promises that nothing more comes.
pub const WATERMARK_END: i64 = i64::MAX;

/// The due time of an event that was due at no particular moment (`--rate max`).
pub const NOT_DUE: i64 = i64::MIN;
