//! Where snapshots lie: a flat set of named, immutable objects.
//!
//! 1. An object is there whole or not at all: it appears when its writer has finished, and never changes.
//! 2. [`Store::put_new`] is atomic: of two writers of one name one is told that it was second. This is what makes a
//!    manifest a fence.
//! 3. What a call has said to be written survives the loss of the process, and of the host, as far as the store itself
//!    does.
//!
//! Calls block, and are made from the uploader's thread or a command's; never from a shard's.

mod name;
mod dir;
mod memory;

use std::fs::File;
use std::path::Path;

pub use dir::DirStore;
pub use memory::MemoryStore;
pub use name::NameError;

/// A set of named objects. Names are made of letters, digits, `-`, `.` and `/`.
pub trait Store: Send + Sync {
    /// Where it is, as a user wrote it.
    fn location(&self) -> String;

    /// Begins an object. It appears when the writer has finished; a writer that is dropped leaves nothing, or nothing
    /// that can be taken for an object.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter + '_>, StoreError>;

    /// Writes a small object, unless one of that name is there.
    ///
    /// # Errors
    /// See [`StoreError`]. After an error the object may be there or not.
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Published, StoreError>;

    /// Reads a small object whole; `None` if there is none of that name.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The object as a file that may be mapped: its own in a local store; else a copy without a name in the folder
    /// `scratch`, fetched in parallel. `None` if there is none of that name.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn fetch(&self, name: &str, scratch: &Path) -> Result<Option<File>, StoreError>;

    /// The objects whose names begin with `prefix`, sorted by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError>;

    /// Removes an object. That it was not there is no error.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// Whether [`put_new`](Store::put_new) does what it says here: tried with an object of its own, because some
    /// servers take a condition and ignore it.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn is_fenced(&self) -> Result<bool, StoreError>;
}

/// An object that is being written.
pub trait ObjectWriter: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes the object durable and visible.
    ///
    /// # Errors
    /// See [`StoreError`]. After an error the object may be there or not.
    fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// An object of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// What became of a [`put_new`](Store::put_new).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Published {
    /// The object is there, and it is ours.
    Created,
    /// There was one of that name. It is as it was.
    Existed,
}

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{location}: {action} {name}: {source}")]
pub struct StoreError {
    /// The store.
    pub location: String,
    /// What was tried, as "can not write".
    pub action: &'static str,
    /// The object, or the prefix of a list.
    pub name: String,
    /// What the system or the server said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// [`Store::is_fenced`] by trial: of two writers of one name the second must be told so, and change nothing.
fn probe_fence(store: &dyn Store) -> Result<bool, StoreError> {
    let process = std::process::id();
    let mut number = 0_u32;
    let name = loop {
        let name = format!("fence/{process}-{number}");
        match store.put_new(&name, b"first")? {
            Published::Created => break name,
            // Of another trial, which may be going on.
            Published::Existed => number += 1,
        }
    };
    let second = store.put_new(&name, b"second");
    let kept = store.read(&name);
    store.delete(&name)?;
    Ok(second? == Published::Existed && kept?.as_deref() == Some(b"first"))
}
