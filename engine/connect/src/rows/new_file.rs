//! A file that appears under its name when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The name of a file that is being written: beside its own, with `.unfinished` behind it. If it is dropped before it
/// is finished, the file is removed.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    finished: bool,
}

impl NewFile {
    /// Begins the file at `path`.
    ///
    /// # Errors
    /// It can not be made.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let unfinished = beside(path, ".unfinished");
        let file = File::create(&unfinished)?;
        Ok((Self { path: path.to_owned(), unfinished, finished: false }, file))
    }

    /// Begins the file at `path` under a name that no other process uses: one that was taken for dead may still write.
    ///
    /// # Errors
    /// It can not be made.
    pub fn create_alone(path: &Path) -> io::Result<(Self, File)> {
        for number in 0_u64.. {
            // The process's own number is for people; that the name is new is what counts.
            let suffix = format!(".{}-{number}.unfinished", std::process::id());
            let unfinished = beside(path, &suffix);
            match File::create_new(&unfinished) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => {
                    let file = file?;
                    let new_file = Self { path: path.to_owned(), unfinished, finished: false };
                    return Ok((new_file, file));
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where the file will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts `file`, all of it written, on the disk and gives it its name.
    ///
    /// # Errors
    /// It can not be written or renamed.
    pub fn finish(mut self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        fs::rename(&self.unfinished, &self.path)?;
        self.finished = true;
        Ok(())
    }

    /// Puts `file`, all of it written, on the disk, and keeps its unfinished name until it is [published](SealedFile).
    ///
    /// # Errors
    /// It can not be written.
    pub fn seal(mut self, file: &File) -> io::Result<SealedFile> {
        file.sync_all()?;
        self.finished = true;
        Ok(SealedFile { path: self.path.clone(), unfinished: self.unfinished.clone() })
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// A file that is whole and on the disk, but does not have its name yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    /// Where it will be.
    pub path: PathBuf,
    /// Where it is.
    pub unfinished: PathBuf,
}

impl SealedFile {
    /// Gives the file its name, unless it has it already.
    ///
    /// # Errors
    /// It can not be renamed, or is neither here nor there.
    pub fn publish(&self) -> io::Result<()> {
        match fs::rename(&self.unfinished, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.path.exists() => Ok(()),
            renamed => renamed,
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // There is nobody to tell, and a file that is left behind says by its name what it is.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}
