//! Every bound of the engine, with its name and the relations that must hold between them.

/// Key groups: the fixed fractions of the key space that state moves in when the number of shards changes.
pub const KEY_GROUPS: u32 = 256;

/// Shards of one job. A shard owns at least one key group.
pub const SHARDS_MAX: usize = 64;

/// Inputs of one job: source partitions that have a number of their own.
pub const INPUTS_MAX: usize = 1 << 16;

/// Partitions of one source. Where a source has more, the last one stands for all of them.
pub const PARTITIONS_MAX: usize = 1 << 16;

/// Frames in the ring between a source and a shard.
pub const RING_FRAMES: usize = 8_192;

/// Frames that a source hands over with one release store, and that a shard takes before it looks at another ring.
/// A chunk is what has already arrived, never something to wait for.
pub const CHUNK_FRAMES: usize = 256;

/// The same for a source that is behind its schedule: its events are late already, and wait for few others.
pub const PACED_CHUNK_FRAMES: usize = 64;

/// Frames in the ring between a shard and the sink.
pub const OUT_RING_FRAMES: usize = 16_384;

/// Frames that the sink takes from one shard before it looks at another.
pub const TAKE_FRAMES: usize = 1_024;

/// Table slots that a shard looks at between two events while a closed window is being emitted: the most that a
/// window with millions of keys can delay an event.
pub const FIRE_SLOTS: usize = 16;

/// Of these, so many for each event that is due while a closed window is being emitted; the others are for the time between
/// events.
pub const FIRED_PER_EVENT: usize = 1;

/// Rows that the sink holds back until every shard has passed their time. Past it the job stops with an error.
pub const SINK_PENDING_ROWS_MAX: usize = 32_000_000;

/// Rows that wait for an output with a thread of its own, where its table does not say how many.
pub const SINK_QUEUE_ROWS: usize = 16_384;

/// What a table may say of that.
pub const SINK_QUEUE_ROWS_MAX: usize = 1 << 24;

/// Rows that are put into such a queue before its thread is woken; fewer when no more are there.
pub const SINK_WAKE_ROWS: usize = 256;

/// Emptied lists of rows that the sink keeps for windows to come.
pub const SPARE_LISTS_MAX: usize = 4;

/// Tables of freed panes that a window operator keeps for its next panes.
pub const SPARE_TABLES_MAX: usize = 4;

/// Bytes of copied records that a table holds until they are in the capture log. More than the records that one turn of
/// a shard changes, or an epoch would be given up for no need.
pub const CAPTURE_BYTES: usize = 256 << 10;

/// Records that a shard copies between two events while an epoch is being captured: the most that a capture delays an
/// event.
pub const CAPTURE_RECORDS: usize = 8;

/// Bytes of a chunk of the capture log.
pub const LOG_CHUNK_BYTES: usize = 256 << 10;

/// Chunks that lie between a shard and the uploader. When the uploader is so far behind that none is left, and a table's
/// own buffer is full, the epoch is given up.
pub const LOG_CHUNKS: usize = 256;

/// How many of them have their pages from the start; the others get them when they are needed first.
pub const LOG_CHUNKS_TOUCHED: usize = 32;

/// Logs behind a base: when a chain has as many, the next epoch writes a new base.
pub const CHAIN_LOGS_MAX: usize = 16;

/// A chain whose logs are larger than its base gets a new base, but not for less than this, in bytes.
pub const CHAIN_BYTES_FLOOR: u64 = 1 << 20;

/// Positions that the uploader has told a source and that this has not heard: of a durable snapshot, and of the oldest that
/// is kept. Where it has not heard the last ones, newer ones are not told: those behind them say more.
pub const TOLD_POSITIONS_MAX: usize = 2;

/// How long the uploader waits before it asks a store again that gave no answer, ns.
pub const UPLOAD_RETRY_NS: i64 = 1_000_000_000;

const _: () = assert!(SINK_QUEUE_ROWS <= SINK_QUEUE_ROWS_MAX && SINK_WAKE_ROWS < SINK_QUEUE_ROWS);
const _: () = assert!(LOG_CHUNKS_TOUCHED <= LOG_CHUNKS);
const _: () = assert!(SHARDS_MAX <= KEY_GROUPS as usize);
const _: () = assert!(KEY_GROUPS.is_power_of_two());
const _: () = assert!(CHUNK_FRAMES * 4 <= RING_FRAMES);
const _: () = assert!(FIRE_SLOTS * 4 <= OUT_RING_FRAMES);
const _: () = assert!(FIRED_PER_EVENT > 0 && FIRE_SLOTS.is_multiple_of(FIRED_PER_EVENT));
