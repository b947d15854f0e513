//! The files of a table: a file, all files of a folder, or those that a pattern names.
//!
//! 1. Files are read one after the other, in the order of their paths, as they were when the job began.
//! 2. Of a folder, and of the folders in it, files whose names begin with `.` or `_`, or end in `.unfinished`, are left out.
//! 3. gzip and zstd are known by the name: `.gz`, `.zst`.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use super::super::TableError;

const BUFFER_BYTES: usize = 256 << 10;

/// A file that is going to be read.
#[derive(Debug, Clone)]
pub(super) struct InputFile {
    pub(super) path: PathBuf,
    /// Bytes.
    pub(super) size: u64,
    /// When it was changed, ns since the epoch.
    pub(super) modified: i64,
}

/// How what lies in a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// What the name of a file says.
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz" | "gzip") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// What files that are packed so end in.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// An input that is wrong, at a file.
pub(super) fn failed(path: &Path, problem: impl ToString) -> TableError {
    TableError::Input { place: path.display().to_string(), problem: problem.to_string() }
}

/// Counts what is read through it.
struct Counted {
    file: File,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl InputFile {
    fn new(path: PathBuf) -> Result<Self, TableError> {
        let metadata = fs::metadata(&path).map_err(|error| failed(&path, error))?;
        let modified = metadata.modified().ok();
        let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let modified = since.and_then(|it| i64::try_from(it.as_nanos()).ok()).unwrap_or_default();
        Ok(Self { path, size: metadata.len(), modified })
    }

    /// Opens it, unpacked; the bytes read of it are added to `bytes`.
    pub(super) fn open(&self, bytes: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, TableError> {
        let opened = || -> io::Result<Box<dyn Read + Send>> {
            let file = Counted { file: File::open(&self.path)?, bytes: Arc::clone(bytes) };
            let buffered = |file| BufReader::with_capacity(BUFFER_BYTES, file);
            Ok(match Compression::of(&self.path) {
                Compression::None => Box::new(file),
                Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(file))),
                Compression::Zstd => {
                    Box::new(zstd::stream::read::Decoder::with_buffer(buffered(file))?)
                }
            })
        };
        opened().map_err(|error| failed(&self.path, error))
    }
}

/// The files that the option `path` names.
pub(super) fn list(path: &str) -> Result<Vec<InputFile>, TableError> {
    // As Flink has it.
    let path = Path::new(path.strip_prefix("file://").unwrap_or(path));
    let mut paths = Vec::new();
    if path.is_dir() {
        walk(path, &mut paths)?;
    } else if path.exists() {
        paths.push(path.to_owned());
    } else if path.to_string_lossy().contains(['*', '?']) {
        paths.extend(matching(path)?);
    } else {
        return Err(failed(path, "there is no such file or folder"));
    }
    if paths.is_empty() {
        return Err(failed(path, "there is no file to read here"));
    }
    paths.into_iter().map(InputFile::new).collect()
}

fn is_left_out(name: &str) -> bool {
    name.starts_with(['.', '_']) || name.ends_with(".unfinished")
}

/// What is in a folder, in the order of names, without what is left out.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, TableError> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    let mut entries = entries.map_err(|error| failed(folder, error))?;
    entries.retain(|path| !is_left_out(&name_of(path)));
    entries.sort();
    Ok(entries)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), TableError> {
    for path in entries(folder)? {
        match path.is_dir() {
            true => walk(&path, paths)?,
            false => paths.push(path),
        }
    }
    Ok(())
}

/// The files that a pattern names: in each part of the path, `*` is any text and `?` any character.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, TableError> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let part = component.as_os_str().to_string_lossy();
        if !matches!(component, Component::Normal(_)) || !part.contains(['*', '?']) {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        }
        let part: Vec<char> = part.chars().collect();
        let mut next = Vec::new();
        for folder in found {
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            if !here.is_dir() {
                continue;
            }
            for path in entries(here)? {
                let name = name_of(&path);
                if fits(&part, &name.chars().collect::<Vec<_>>()) {
                    next.push(folder.join(name));
                }
            }
        }
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found)
}

fn fits(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=name.len()).any(|from| fits(rest, &name[from..])),
        (['?', pattern @ ..], [_, name @ ..]) => fits(pattern, name),
        ([a, pattern @ ..], [b, name @ ..]) => a == b && fits(pattern, name),
        _ => false,
    }
}
