//! A segment as memory: what is written to it is the system's to keep, also when the process dies.
//!
//! 1. The file is new, and this process has its only map. The journal's folder is locked, so that no other writes to it.
//! 2. Its blocks are taken before it is mapped, so that a write finds them: a full disk is an error of
//!    [`create`](Mapped::create), and not a SIGBUS.
//! 3. It is not cut short while it is mapped: whoever cuts it has given the map back ([`into_file`](Mapped::into_file)).
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use memmap2::{Advice, MmapMut, MmapOptions};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Bytes that are written at once where a file system can not take blocks otherwise.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A segment's memory.
#[derive(Debug)]
pub(crate) struct Mapped {
    map: MmapMut,
    file: File,
}

impl Mapped {
    /// A new file of so many zeros, mapped, its pages there.
    pub(crate) fn create(path: &Path, bytes: usize) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes as u64) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP) => write_zeros(&file, bytes)?,
            Err(error) => return Err(error.into()),
        }
        // SAFETY: the file has all these bytes, and their blocks (2). Nobody else writes to it (1), and nobody cuts it
        // short while the map lives (3).
        let map = unsafe { MmapOptions::new().len(bytes).map_mut(&file) }?;
        // A kernel that does not know it makes the pages when they are written to.
        let _ = map.advise(Advice::PopulateWrite);
        Ok(Self { map, file })
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.map
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The file, no longer mapped.
    pub(crate) fn into_file(self) -> File {
        let Self { map, file } = self;
        drop(map);
        file
    }
}

fn write_zeros(mut file: &File, bytes: usize) -> io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        let piece = ZEROS.get(..left.min(ZEROS.len())).unwrap_or(&ZEROS);
        file.write_all(piece)?;
        left -= piece.len();
    }
    Ok(())
}
