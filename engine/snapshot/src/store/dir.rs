//! A store in a folder of a local file system.
//!
//! 1. An object is written under a name of its own that ends in `.unfinished`, in the folder of its final name. No
//!    list shows such a file.
//! 2. It is made durable before it is made visible: fsync of the file, then rename or link, then fsync of each folder
//!    up to the store's own.
//! 3. [`put_new`](Store::put_new) makes its object visible with `link`, which fails if the name is taken, and is
//!    atomic.
//! 4. A writer that is dropped removes its file. One that is killed leaves an unfinished file, which is in nobody's way
//!    until [`DirStore::remove_leftovers`] takes it away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use super::name::{self, UNFINISHED};
use super::{ObjectWriter, Published, Store, StoreError, Stored, probe_fence};

/// Smaller writes are gathered up to this size.
const BUFFER_BYTES: usize = 256 << 10;

/// Makes the names of unfinished files differ within this process; between processes `create_new` does.
static UNFINISHED_FILES: AtomicU64 = AtomicU64::new(0);

/// A store in a folder: see the module.
#[derive(Debug, Clone)]
pub struct DirStore {
    root: PathBuf,
}

impl DirStore {
    /// The store in the folder `path`, which is made if it is not there.
    ///
    /// # Errors
    /// The folder can not be made.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let store = Self { root: path.to_owned() };
        let made = fs::create_dir_all(path).and_then(|()| match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => Ok(()),
        });
        made.map_err(|error| store.error("can not make the folder of", "the store", error))?;
        Ok(store)
    }

    /// Removes the unfinished files that were last written to before `before_ns`, ns since the Unix epoch: those of
    /// writers that were killed. How many there were.
    ///
    /// # Errors
    /// The folders can not be read or changed.
    pub fn remove_leftovers(&self, before_ns: i64) -> Result<usize, StoreError> {
        let removed = remove_leftovers(&self.root, u128::try_from(before_ns).unwrap_or(0));
        removed.map_err(|error| self.error("can not remove leftovers of", "the store", error))
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

    fn path(&self, action: &'static str, name: &str) -> Result<PathBuf, StoreError> {
        name::check(name).map_err(|error| self.error(action, name, error))?;
        Ok(self.root.join(name))
    }

    /// Begins the unfinished file of an object.
    fn begin(&self, name: &str) -> Result<Unfinished, StoreError> {
        let path = self.path("can not write", name)?;
        Unfinished::begin(path).map_err(|error| self.error("can not write", name, error))
    }

    /// Makes the folder entries on the way to `path` durable.
    fn sync_folders(&self, path: &Path) -> io::Result<()> {
        for folder in path.ancestors().skip(1) {
            sync_folder(folder)?;
            if folder == self.root {
                break;
            }
        }
        Ok(())
    }

    fn walk(&self, folder: &str, visit: &mut impl FnMut(Stored)) -> io::Result<()> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Err(error) if is_absent(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(part) = entry.file_name().into_string() else { continue };
            let name = if folder.is_empty() { part } else { format!("{folder}/{part}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.walk(&name, visit)?;
            } else if kind.is_file() && name::check(&name).is_ok() {
                match entry.metadata() {
                    // Removed since the folder was read.
                    Err(error) if is_absent(&error) => {}
                    metadata => visit(Stored { name, bytes: metadata?.len() }),
                }
            }
        }
        Ok(())
    }
}

impl Store for DirStore {
    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn create(&self, name: &str) -> Result<Box<dyn ObjectWriter + '_>, StoreError> {
        Ok(Box::new(DirWriter { store: self, name: name.to_owned(), file: self.begin(name)? }))
    }

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Published, StoreError> {
        let mut file = self.begin(name)?;
        let mut put = || {
            file.writer.write_all(bytes)?;
            file.sync()?;
            let published = match fs::hard_link(&file.path, &file.finished) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Published::Existed,
                linked => linked.map(|()| Published::Created)?,
            };
            fs::remove_file(&file.path)?;
            file.is_there = false;
            // Also where the object was there before: whoever hears of it may build on it.
            self.sync_folders(&file.finished)?;
            Ok(published)
        };
        put().map_err(|error: io::Error| self.error("can not write", name, error))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.path("can not read", name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error("can not read", name, error)),
        }
    }

    fn fetch(&self, name: &str, _scratch: &Path) -> Result<Option<File>, StoreError> {
        let path = self.path("can not read", name)?;
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.is_file(), file)));
        match opened {
            Ok((is_file, file)) => Ok(is_file.then_some(file)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.error("can not read", name, error)),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        let folder = name::folder_of_prefix(prefix)
            .map_err(|error| self.error("can not list", prefix, error))?;
        let mut found = Vec::new();
        self.walk(folder, &mut |stored| {
            if stored.name.starts_with(prefix) {
                found.push(stored);
            }
        })
        .map_err(|error| self.error("can not list", prefix, error))?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path("can not delete", name)?;
        let removed = match fs::remove_file(&path) {
            Err(error) if is_absent(&error) => return Ok(()),
            removed => removed.and_then(|()| self.sync_folders(&path)),
        };
        removed.map_err(|error| self.error("can not delete", name, error))
    }

    fn is_fenced(&self) -> Result<bool, StoreError> {
        probe_fence(self)
    }
}

struct DirWriter<'s> {
    store: &'s DirStore,
    name: String,
    file: Unfinished,
}

impl ObjectWriter for DirWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let written = self.file.writer.write_all(bytes);
        written.map_err(|error| self.store.error("can not write", &self.name, error))
    }

    fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let Self { store, name, mut file } = *self;
        let mut finish = || {
            file.sync()?;
            fs::rename(&file.path, &file.finished)?;
            file.is_there = false;
            store.sync_folders(&file.finished)
        };
        finish().map_err(|error| store.error("can not write", &name, error))
    }
}

/// A file that is being written. It goes with its owner.
struct Unfinished {
    path: PathBuf,
    finished: PathBuf,
    writer: BufWriter<File>,
    is_there: bool,
}

impl Unfinished {
    fn begin(finished: PathBuf) -> io::Result<Self> {
        if let Some(folder) = finished.parent() {
            fs::create_dir_all(folder)?;
        }
        loop {
            let number = UNFINISHED_FILES.fetch_add(1, Ordering::Relaxed);
            let mut path = finished.clone().into_os_string();
            path.push(format!(".{}-{number}{UNFINISHED}", std::process::id()));
            let path = PathBuf::from(path);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // Of a process that had this one's number, or of one in another container.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                file => {
                    let writer = BufWriter::with_capacity(BUFFER_BYTES, file?);
                    return Ok(Self { path, finished, writer, is_there: true });
                }
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.is_there {
            // A file that stays is in nobody's way, and there is nobody here to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove_leftovers(folder: &Path, before_ns: u128) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_leftovers(&entry.path(), before_ns)?;
        } else if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
            let Ok(metadata) = entry.metadata() else { continue };
            let written = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            if written.as_nanos() < before_ns && fs::remove_file(entry.path()).is_ok() {
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether an error says that there is no object of that name. A folder is none.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::check_store;

    fn store() -> (tempfile::TempDir, DirStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = DirStore::open(&folder.path().join("a/store")).unwrap();
        (folder, store)
    }

    fn files(folder: &Path) -> usize {
        fs::read_dir(folder).map_or(0, |entries| entries.count())
    }

    #[test]
    fn it_keeps_what_a_store_promises() {
        let (folder, store) = store();
        check_store(&store, folder.path());
    }

    #[test]
    fn a_dropped_writer_leaves_no_file() {
        let (_folder, store) = store();
        let mut writer = store.create("log/a").unwrap();
        writer.write(&[1; BUFFER_BYTES + 1]).unwrap();
        assert_eq!(files(&store.root.join("log")), 1);
        drop(writer);
        assert_eq!(files(&store.root.join("log")), 0);
        assert_eq!(store.put_new("log/a", b"1").unwrap(), Published::Created);
        assert_eq!(store.put_new("log/a", b"2").unwrap(), Published::Existed);
        assert_eq!(files(&store.root.join("log")), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_not_listed_and_in_nobodys_way() {
        let (_folder, store) = store();
        std::mem::forget(store.create("log/a").unwrap());
        assert_eq!(files(&store.root.join("log")), 1);
        assert_eq!(store.list("").unwrap(), []);
        assert_eq!(store.remove_leftovers(1).unwrap(), 0);
        assert_eq!(store.remove_leftovers(i64::MAX).unwrap(), 1);
        assert_eq!(files(&store.root.join("log")), 0);
        store.create("log/a").unwrap().finish().unwrap();
        assert_eq!(store.remove_leftovers(i64::MAX).unwrap(), 0);
        assert_eq!(store.list("").unwrap(), [Stored { name: "log/a".to_owned(), bytes: 0 }]);
    }

    #[test]
    fn a_folder_is_no_object() {
        let (folder, store) = store();
        assert_eq!(store.put_new("a/b", b"1").unwrap(), Published::Created);
        assert!(store.fetch("a", folder.path()).unwrap().is_none());
        assert_eq!(store.read("a").unwrap(), None);
        assert_eq!(store.read("a/b/c").unwrap(), None);
    }

    #[test]
    fn an_error_says_where_and_why() {
        let (_folder, store) = store();
        assert_eq!(store.put_new("a", b"1").unwrap(), Published::Created);
        let error = store.put_new("a/b", b"1").unwrap_err();
        assert!(error.source.downcast_ref::<io::Error>().is_some());
        let text = error.to_string();
        assert!(text.contains(&store.location()) && text.contains("can not write a/b"), "{text}");
    }
}
