//! The capture log: what an epoch has changed, as sections in chunks.
//!
//! 1. A section is a head and entries of one size: removed keys; records, each a key and its value; or none, where the
//!    whole table is dropped.
//! 2. Entries carry their keys, so they do not depend on a table's size, nor on where a record lies.
//! 3. Within a log, and over the logs of epochs in order, what stands later holds.
//! 4. A chunk holds whole sections, a section whole entries. A section begins at a multiple of eight bytes.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::layout::Layout;

/// Names a table of a shard: the same in every run of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId {
    /// The number that its operator gave it.
    pub number: u32,
    /// Which one of those: the start of a pane's window, ns; zero where there is one.
    pub instance: i64,
}

impl std::fmt::Display for TableId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.instance)
    }
}

/// What a section's entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// Keys of removed records.
    Removed,
    /// Records: key and value.
    Records,
    /// The table is gone: no entries.
    Dropped,
}

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// The table.
    pub id: TableId,
    /// How its records lie.
    pub layout: Layout,
    /// What the entries are.
    pub kind: SectionKind,
    /// How many slots the table has, or zero: an image has as many before it takes the entries. They may come in the order
    /// of their hashes, and would fall into one place of a smaller table.
    pub slots: u32,
}

/// A section's head as it is written.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Head {
    instance: i64,
    number: u32,
    kind: u32,
    layout: Layout,
    count: u32,
    slots: u32,
}

const HEAD_BYTES: usize = size_of::<Head>();
const _: () = assert!(HEAD_BYTES == 40);
const _: () = assert!(cfg!(target_endian = "little"), "logs and images are little-endian");

const REMOVED: u32 = 1;
const RECORDS: u32 = 2;
const DROPPED: u32 = 3;

/// Where a shard's captures go.
pub trait Log {
    /// Takes as many whole entries of `entry_bytes` each from the front of `entries` as there is room for, and says how
    /// many bytes that were: none if there is no room now.
    fn entries(&mut self, section: &Section, entry_bytes: usize, entries: &[u8]) -> usize;

    /// Takes the news that a table is gone; false if there is no room now.
    fn dropped(&mut self, id: TableId) -> bool;
}

/// Appends a section with as many of `entries` as fit into `chunk` up to `bytes_max`; the bytes of them.
pub fn append_entries(
    chunk: &mut Vec<u8>,
    bytes_max: usize,
    section: &Section,
    entry_bytes: usize,
    entries: &[u8],
) -> usize {
    let room = bytes_max.saturating_sub(chunk.len() + HEAD_BYTES + 8);
    let count = room.min(entries.len()) / entry_bytes.max(1);
    if count == 0 {
        return 0;
    }
    let bytes = count * entry_bytes;
    append_head(chunk, section, count);
    chunk.extend_from_slice(&entries[..bytes]);
    chunk.resize(chunk.len().next_multiple_of(8), 0);
    bytes
}

/// Appends the news that a table is gone, if `chunk` has room for it up to `bytes_max`.
pub fn append_dropped(chunk: &mut Vec<u8>, bytes_max: usize, id: TableId) -> bool {
    let fits = chunk.len() + HEAD_BYTES <= bytes_max;
    if fits {
        let layout = Layout::of::<[u8; 0], ()>();
        append_head(chunk, &Section { id, layout, kind: SectionKind::Dropped, slots: 0 }, 0);
    }
    fits
}

fn append_head(chunk: &mut Vec<u8>, section: &Section, count: usize) {
    let Section { id: TableId { number, instance }, layout, kind, slots } = *section;
    let kind = match kind {
        SectionKind::Removed => REMOVED,
        SectionKind::Records => RECORDS,
        SectionKind::Dropped => DROPPED,
    };
    let head = Head { instance, number, kind, layout, count: count as u32, slots };
    chunk.extend_from_slice(head.as_bytes());
}

/// A log that breaks its format. Its checksum held, so another program wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a capture log breaks its format at byte {at}: {what}")]
pub struct LogError {
    /// Where, in bytes of the chunk.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// The sections of a chunk, each with its entries.
pub fn sections(chunk: &[u8]) -> impl Iterator<Item = Result<(Section, &[u8]), LogError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = chunk.get(at..).filter(|rest| !rest.is_empty())?;
        let read = section(rest).map_err(|what| LogError { at, what });
        at = match &read {
            Ok((_, _, bytes)) => at + bytes,
            Err(_) => chunk.len(),
        };
        Some(read.map(|(section, entries, _)| (section, entries)))
    })
}

fn section(rest: &[u8]) -> Result<(Section, &[u8], usize), &'static str> {
    let (head, behind) = Head::read_from_prefix(rest).map_err(|_| "the end inside a head")?;
    let kind = match head.kind {
        REMOVED => SectionKind::Removed,
        RECORDS => SectionKind::Records,
        DROPPED => SectionKind::Dropped,
        _ => return Err("a section of an unknown kind"),
    };
    if !head.layout.is_sound() {
        return Err("a layout that no table has");
    }
    let entry_bytes = match kind {
        SectionKind::Removed => head.layout.key_bytes as usize,
        SectionKind::Records => head.layout.entry_bytes(),
        SectionKind::Dropped => 0,
    };
    let bytes = usize::try_from(head.count).ok().and_then(|count| count.checked_mul(entry_bytes));
    let entries = bytes.and_then(|bytes| behind.get(..bytes)).ok_or("the end inside entries")?;
    let id = TableId { number: head.number, instance: head.instance };
    let section = Section { id, layout: head.layout, kind, slots: head.slots };
    Ok((section, entries, (HEAD_BYTES + entries.len()).next_multiple_of(8)))
}
