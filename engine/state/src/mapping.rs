//! Memory from the system: zeroed pages of a table's own, or a stored image's pages.
//!
//! 1. All bytes are readable and initialised: fresh pages are zeros, an image's pages are its file's.
//! 2. The base is aligned to a page, so to any record.
//! 3. An image is mapped privately: what is written stays in this process, and the file is never changed. A stored
//!    object is never changed by anyone else, by the store's contract; one that were cut short under the map would
//!    raise SIGBUS.
//! 4. What a budget has granted it gets back when the mapping goes.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use crate::budget::{Budget, Full};

/// Regions of at least this size ask for huge pages when they are made to be filled at once.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// A region of memory: see the module.
#[derive(Debug)]
pub(crate) struct Mapping {
    pages: Pages,
    granted: usize,
    budget: Budget,
}

#[cfg(not(miri))]
type Pages = memmap2::MmapMut;

/// Miri knows no mmap.
#[cfg(miri)]
type Pages = Vec<u128>;

impl Mapping {
    /// `bytes` of zeros. `filled_soon` asks for huge pages, and touches them now.
    pub(crate) fn zeroed(bytes: usize, budget: &Budget, filled_soon: bool) -> Result<Self, Full> {
        budget.take(bytes)?;
        let pages = zeroed_pages(bytes, filled_soon).map_err(|_| {
            budget.give_back(bytes);
            Full
        })?;
        Ok(Self { pages, granted: bytes, budget: budget.clone() })
    }

    /// `bytes` of `file` from `offset` on, a multiple of the page size.
    #[cfg(not(miri))]
    pub(crate) fn of_file(
        file: &File,
        offset: u64,
        bytes: usize,
        budget: &Budget,
    ) -> io::Result<Self> {
        if file.metadata()?.len() < offset.saturating_add(bytes as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        budget.take(bytes).map_err(|Full| io::Error::from(io::ErrorKind::OutOfMemory))?;
        // SAFETY: the map is private and lies within the file; that nobody cuts the file short is invariant 3.
        let mapped =
            unsafe { memmap2::MmapOptions::new().offset(offset).len(bytes).map_copy(file) };
        let pages = mapped.inspect_err(|_| budget.give_back(bytes))?;
        Ok(Self { pages, granted: bytes, budget: budget.clone() })
    }

    #[cfg(miri)]
    pub(crate) fn of_file(_: &File, _: u64, _: usize, _: &Budget) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Its size, in bytes.
    pub(crate) fn granted(&self) -> usize {
        self.granted
    }

    /// The first byte.
    #[inline(always)]
    pub(crate) fn base(&self) -> *const u8 {
        self.pages.as_ptr().cast()
    }

    /// The first byte, to write to.
    #[inline(always)]
    pub(crate) fn base_mut(&mut self) -> *mut u8 {
        self.pages.as_mut_ptr().cast()
    }

    /// All bytes.
    #[cfg(not(miri))]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.pages
    }

    #[cfg(miri)]
    pub(crate) fn bytes(&self) -> &[u8] {
        use zerocopy::IntoBytes;
        self.pages.as_bytes()
    }

    /// Gives the pages that lie in `from..to` back to the system. They read as anything from now on.
    #[cfg(not(miri))]
    pub(crate) fn release(&mut self, from: usize, to: usize) {
        if from < to && to <= self.pages.len() {
            // SAFETY: the range lies in the mapping, all of whose bytes stay initialised: pages that were given back
            // read as zeros, or as the file's.
            let _ = unsafe {
                self.pages.unchecked_advise_range(
                    memmap2::UncheckedAdvice::DontNeed,
                    from,
                    to - from,
                )
            };
        }
    }

    #[cfg(miri)]
    pub(crate) fn release(&mut self, _: usize, _: usize) {}
}

#[cfg(not(miri))]
fn zeroed_pages(bytes: usize, filled_soon: bool) -> io::Result<Pages> {
    let pages = memmap2::MmapOptions::new().len(bytes).no_reserve_swap().map_anon()?;
    if filled_soon && bytes >= HUGE_PAGE_BYTES {
        // A host without huge pages serves small ones.
        let _ = pages.advise(memmap2::Advice::HugePage);
        let _ = pages.advise(memmap2::Advice::PopulateWrite);
    }
    Ok(pages)
}

#[cfg(miri)]
fn zeroed_pages(bytes: usize, _: bool) -> io::Result<Pages> {
    let _ = HUGE_PAGE_BYTES;
    Ok(vec![0; bytes.div_ceil(16)])
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.budget.give_back(self.granted);
    }
}
