//! A store in memory, for simulations: it is as lasting as the process, and its clones share it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::name::{self, NameError};
use super::{ObjectWriter, Published, Store, StoreError, Stored, probe_fence};

type Objects = BTreeMap<String, Vec<u8>>;

/// A store in memory. A clone is the same store.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    objects: Arc<Mutex<Objects>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces or adds an object by force, as a fault would: what a [`Store`] never does.
    pub fn overwrite(&self, name: &str, bytes: Vec<u8>) {
        self.objects().insert(name.to_owned(), bytes);
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        // Each change is one call of the map, so what a panic leaves is whole.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(
        &self,
        action: &'static str,
        name: &str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError {
            location: self.location(),
            action,
            name: name.to_owned(),
            source: source.into(),
        }
    }

    fn check(&self, action: &'static str, name: &str) -> Result<(), StoreError> {
        name::check(name).map_err(|error: NameError| self.error(action, name, error))
    }
}

impl Store for MemoryStore {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter + '_>, StoreError> {
        self.check("can not write", name)?;
        Ok(Box::new(MemoryWriter { store: self, name: name.to_owned(), bytes: Vec::new() }))
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Published, StoreError> {
        self.check("can not write", name)?;
        let mut objects = self.objects();
        if objects.contains_key(name) {
            return Ok(Published::Existed);
        }
        objects.insert(name.to_owned(), bytes.to_owned());
        Ok(Published::Created)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.check("can not read", name)?;
        Ok(self.objects().get(name).cloned())
    }

    fn fetch(&self, name: &str, scratch: &Path) -> Result<Option<File>, StoreError> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let copy = || {
            let mut file = tempfile::tempfile_in(scratch)?;
            file.write_all(&bytes)?;
            file.rewind()?;
            Ok(file)
        };
        copy().map(Some).map_err(|error: std::io::Error| self.error("can not copy", name, error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        name::folder_of_prefix(prefix)
            .map_err(|error| self.error("can not list", prefix, error))?;
        let objects = self.objects();
        let from = objects.range(prefix.to_owned()..);
        let found = from.take_while(|(name, _)| name.starts_with(prefix));
        let stored = |(name, bytes): (&String, &Vec<u8>)| Stored {
            name: name.clone(),
            bytes: bytes.len() as u64,
        };
        Ok(found.map(stored).collect())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.check("can not delete", name)?;
        self.objects().remove(name);
        Ok(())
    }

    fn is_fenced(&self) -> Result<bool, StoreError> {
        probe_fence(self)
    }
}

struct MemoryWriter<'s> {
    store: &'s MemoryStore,
    name: String,
    bytes: Vec<u8>,
}

impl ObjectWriter for MemoryWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        self.store.overwrite(&self.name, self.bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_a_store_promises() {
        let scratch = tempfile::tempdir().unwrap();
        crate::conformance::check_store(&MemoryStore::new(), scratch.path());
    }

    #[test]
    fn clones_are_one_store() {
        let store = MemoryStore::new();
        assert_eq!(store.clone().put_new("a", b"1").unwrap(), Published::Created);
        assert_eq!(store.read("a").unwrap(), Some(b"1".to_vec()));
    }
}
