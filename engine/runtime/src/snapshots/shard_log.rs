//! The way of a shard's captures to the uploader: chunks in one ring, emptied chunks back in another.
//!
//! The shard allocates nothing and waits for nothing: where no emptied chunk has come back there is no room, and the
//! capture stands still until there is.

use rtrb::{Consumer, Producer, RingBuffer};
use tidewire_event::limits::{LOG_CHUNK_BYTES, LOG_CHUNKS, LOG_CHUNKS_TOUCHED};
use tidewire_state::{Log, Section, TableId, append_dropped, append_entries};

/// What came of the capture of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured {
    /// The number in its barrier.
    pub epoch: u64,
    /// Whether all of the epoch is in the log; else it was given up.
    pub is_whole: bool,
    /// What the freeze took, ns.
    pub freeze_ns: i64,
}

/// From a shard to the uploader.
#[derive(Debug)]
pub(crate) enum LogFrame {
    /// Sections of the log.
    Chunk(Vec<u8>),
    /// The log of the epoch ends here.
    End(Captured),
}

/// The shard's end.
#[derive(Debug)]
pub struct ShardLog {
    chunk: Vec<u8>,
    chunk_bytes: usize,
    is_out_of_room: bool,
    full: Producer<LogFrame>,
    empty: Consumer<Vec<u8>>,
}

/// The uploader's end.
#[derive(Debug)]
pub(crate) struct LogReader {
    pub(crate) full: Consumer<LogFrame>,
    empty: Producer<Vec<u8>>,
}

/// How many chunks lie between a shard and the uploader, and how large they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogSize {
    pub(crate) chunks: usize,
    pub(crate) chunk_bytes: usize,
}

impl LogSize {
    /// That of every run but a simulated one.
    pub(crate) const FULL: Self = Self { chunks: LOG_CHUNKS, chunk_bytes: LOG_CHUNK_BYTES };
}

/// Both ends of a shard's log.
pub(crate) fn shard_log(size: LogSize) -> (ShardLog, LogReader) {
    let LogSize { chunks, chunk_bytes } = size;
    // Room for every chunk there is, and for the end of an epoch.
    let (full, read) = RingBuffer::new(chunks + 2);
    let (mut emptied, empty) = RingBuffer::new(chunks);
    for number in 0..chunks {
        let mut chunk = Vec::with_capacity(chunk_bytes);
        if number < LOG_CHUNKS_TOUCHED {
            // Written to once, so that no event pays for the first touch of these pages.
            chunk.resize(chunk_bytes, 1);
            chunk.clear();
        }
        let _ = emptied.push(chunk);
    }
    let log = ShardLog { chunk: Vec::new(), chunk_bytes, is_out_of_room: false, full, empty };
    (log, LogReader { full: read, empty: emptied })
}

impl ShardLog {
    /// Whether the last capture stood still for want of a chunk.
    pub(crate) fn is_out_of_room(&self) -> bool {
        self.is_out_of_room
    }

    /// All of the epoch is in the log.
    pub(crate) fn end(&mut self, captured: Captured) {
        self.hand_over();
        // The ring has room for it.
        let _ = self.full.push(LogFrame::End(captured));
    }

    fn hand_over(&mut self) {
        if !self.chunk.is_empty() {
            let chunk = std::mem::take(&mut self.chunk);
            // The ring has room for all the chunks that there are.
            let _ = self.full.push(LogFrame::Chunk(chunk));
        }
    }

    /// A chunk in which `append` finds room, and what it said.
    fn append<T: Default + PartialEq>(&mut self, append: impl Fn(&mut Vec<u8>) -> T) -> T {
        loop {
            if self.chunk.capacity() == 0 {
                match self.empty.pop() {
                    Ok(chunk) => self.chunk = chunk,
                    Err(_) => {
                        self.is_out_of_room = true;
                        return T::default();
                    }
                }
            }
            self.is_out_of_room = false;
            let appended = append(&mut self.chunk);
            if appended != T::default() || self.chunk.is_empty() {
                return appended;
            }
            self.hand_over();
        }
    }
}

impl Log for ShardLog {
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize {
        let bytes_max = self.chunk_bytes;
        self.append(|chunk| append_entries(chunk, bytes_max, section, entry_bytes, entries))
    }

    fn dropped(&mut self, id: TableId) -> bool {
        let bytes_max = self.chunk_bytes;
        self.append(|chunk| append_dropped(chunk, bytes_max, id))
    }
}

impl LogReader {
    /// Gives an emptied chunk back.
    pub(crate) fn give_back(&mut self, mut chunk: Vec<u8>) {
        chunk.clear();
        // The ring has room for all the chunks that there are.
        let _ = self.empty.push(chunk);
    }
}
