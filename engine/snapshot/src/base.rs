//! The body of a base: a shard's tables as they lie in memory, so that a local store's can be mapped.
//!
//! 1. Each table's slots begin at a multiple of [`PAGE_BYTES`] of the body.
//! 2. Behind the slots of the last table stands the directory, an rkyv archive, and behind that its length, eight bytes.
//! 3. What was read is checked: the container's checksums first, then the archive, then each entry against the body.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use rkyv::rancor;
use rkyv::util::AlignedVec;
use tidewire_event::HashRange;
use tidewire_state::{Budget, Image, ImageHead, Layout, RawTable, TableId};

use crate::object::{Body, BodyWriter, ObjectError};
use crate::store::StoreError;

/// Slots begin at a multiple of this: a page of every host that we know, so that they can be mapped.
pub const PAGE_BYTES: u64 = 64 << 10;

/// Tables of a base at most: one for each open pane, and a few.
const DIRECTORY_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug, rkyv::Archive, rkyv::Serialize)]
struct Directory {
    tables: Vec<Entry>,
}

#[derive(Debug, rkyv::Archive, rkyv::Serialize)]
struct Entry {
    number: u32,
    instance: i64,
    key_bytes: u32,
    group_bytes: u32,
    value_bytes: u32,
    key_align: u16,
    value_align: u16,
    slots: u64,
    len: u64,
    bridges: u64,
    offset: u64,
    bytes: u64,
}

/// Why a base can not be mapped.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The object can not be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// Its checksums are right and its content is not: another program wrote it.
    #[error("{object} is no base: {what}")]
    NoBase {
        /// The object.
        object: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The system could not map or unpack it.
    #[error("can not map {object}")]
    Map {
        /// The object.
        object: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Writes the tables of `image`.
///
/// # Errors
/// The store fails.
pub fn write(image: &mut Image, out: &mut BodyWriter<'_>) -> Result<(), StoreError> {
    let mut tables = Vec::with_capacity(image.len());
    for (id, table) in image.tables_mut() {
        let offset = out.position().next_multiple_of(PAGE_BYTES);
        pad(out, offset)?;
        let layout = table.layout();
        let (head, slots) = table.image();
        out.write(slots)?;
        tables.push(Entry {
            number: id.number,
            instance: id.instance,
            key_bytes: layout.key_bytes,
            group_bytes: layout.group_bytes,
            value_bytes: layout.value_bytes,
            key_align: layout.key_align,
            value_align: layout.value_align,
            slots: head.slots,
            len: head.len,
            bridges: head.bridges,
            offset,
            bytes: slots.len() as u64,
        });
    }
    let directory = rkyv::to_bytes::<rancor::Error>(&Directory { tables })
        .unwrap_or_else(|_| unreachable!("plain numbers in memory can be written to memory"));
    out.write(&directory)?;
    out.write(&(directory.len() as u64).to_le_bytes())
}

fn pad(out: &mut BodyWriter<'_>, to: u64) -> Result<(), StoreError> {
    const ZEROS: [u8; 4096] = [0; 4096];
    while out.position() < to {
        let bytes = (to - out.position()).min(ZEROS.len() as u64) as usize;
        out.write(&ZEROS[..bytes])?;
    }
    Ok(())
}

/// The image of the shard that owned `range`, its tables mapped from `body`. A compressed body is unpacked into a file
/// without a name in the folder `scratch`.
///
/// # Errors
/// See [`BaseError`].
pub fn map(
    body: &Body,
    range: HashRange,
    budget: &Budget,
    scratch: &Path,
) -> Result<Image, BaseError> {
    let name = || body.object().name.clone();
    let wrong = |what| BaseError::NoBase { object: name(), what };
    let failed = |source| BaseError::Map { object: name(), source };
    let unpacked;
    let file = match body.mappable() {
        Some(file) => file,
        None => {
            unpacked = unpack(body, scratch)?;
            &unpacked
        }
    };
    let mut length = [0; 8];
    let end = body.raw_bytes().checked_sub(8).ok_or(wrong("it is too short"))?;
    body.read_at(end, &mut length)?;
    let length = u64::from_le_bytes(length);
    if length > end.min(DIRECTORY_BYTES_MAX) {
        return Err(wrong("its directory is longer than itself"));
    }
    let mut bytes: AlignedVec<16> = AlignedVec::with_capacity(length as usize);
    bytes.resize(length as usize, 0);
    body.read_at(end - length, &mut bytes)?;
    let directory = rkyv::access::<ArchivedDirectory, rancor::Error>(&bytes)
        .map_err(|_| wrong("its directory breaks its format"))?;
    let mut image = Image::new(range, budget);
    for entry in directory.tables.iter() {
        let layout = Layout {
            key_bytes: entry.key_bytes.to_native(),
            group_bytes: entry.group_bytes.to_native(),
            value_bytes: entry.value_bytes.to_native(),
            key_align: entry.key_align.to_native(),
            value_align: entry.value_align.to_native(),
        };
        let (offset, bytes) = (entry.offset.to_native(), entry.bytes.to_native());
        let inside = offset.checked_add(bytes).is_some_and(|to| to <= end - length);
        if !layout.is_sound() || !inside || !offset.is_multiple_of(PAGE_BYTES) {
            return Err(wrong("a table lies outside of it, or can not be one"));
        }
        let head = ImageHead {
            slots: entry.slots.to_native(),
            len: entry.len.to_native(),
            bridges: entry.bridges.to_native(),
        };
        let id = TableId { number: entry.number.to_native(), instance: entry.instance.to_native() };
        let table =
            RawTable::of_image(layout, range, &head, file, offset, budget).map_err(failed)?;
        image.insert(id, table);
    }
    Ok(image)
}

fn unpack(body: &Body, scratch: &Path) -> Result<File, BaseError> {
    let failed = |source| BaseError::Map { object: body.object().name.clone(), source };
    let mut file = tempfile::tempfile_in(scratch).map_err(failed)?;
    for chunk in body.chunks() {
        file.write_all(&chunk?).map_err(failed)?;
    }
    Ok(file)
}
