//! The output of a story.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::names;

/// What a reader of the output finds: the bytes of each output, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows(BTreeMap<&'static str, Vec<u8>>);

impl Rows {
    /// The committed parts of a replay in two folders, in the order of their names: bars and what was late.
    ///
    /// # Errors
    /// They can not be read.
    pub fn read(out: &Path, late: &Path) -> Result<Self, String> {
        Self::of_parts([("bars", out.to_owned()), ("late", late.to_owned())])
    }

    /// The committed parts in folders, each with its name.
    pub(super) fn of_parts(
        folders: impl IntoIterator<Item = (&'static str, PathBuf)>,
    ) -> Result<Self, String> {
        let content = |folder: &Path| {
            let mut content = Vec::new();
            for name in names(folder)?.iter().filter(|name| name.ends_with(".csv")) {
                let part = fs::read(folder.join(name)).map_err(|error| error.to_string())?;
                content.extend(part);
            }
            Ok::<_, String>(content)
        };
        let rows = folders.into_iter().map(|(name, folder)| Ok((name, content(&folder)?)));
        rows.collect::<Result<_, String>>().map(Self)
    }

    /// The bytes of files, each with its name.
    pub(super) fn of_files(
        files: impl IntoIterator<Item = (&'static str, PathBuf)>,
    ) -> Result<Self, String> {
        let read =
            |path: PathBuf| fs::read(&path).map_err(|error| format!("{}: {error}", path.display()));
        let rows = files.into_iter().map(|(name, path)| Ok((name, read(path)?)));
        rows.collect::<Result<_, String>>().map(Self)
    }

    /// The bytes of an output.
    #[must_use]
    pub fn of(&self, name: &str) -> &[u8] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// The lines of an output.
    pub(super) fn lines(&self, name: &str) -> usize {
        self.of(name).iter().filter(|byte| **byte == b'\n').count()
    }

    #[allow(clippy::len_without_is_empty, reason = "only the growth counts")]
    /// Bytes of all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Says whether `found` is a beginning of this, with whole lines.
    ///
    /// # Errors
    /// It is not.
    pub fn begins_with(&self, found: &Self) -> Result<(), String> {
        for (name, found) in &found.0 {
            let whole = self.of(name);
            if !whole.starts_with(found) {
                let same = whole.iter().zip(found).take_while(|(a, b)| a == b).count();
                return Err(format!(
                    "the {name} are not a beginning of the undisturbed output: they differ at byte {same} of {}\n\
                     found: {}\nmeant: {}",
                    found.len(),
                    line_at(found, same),
                    line_at(whole, same),
                ));
            }
            if found.last().is_some_and(|last| *last != b'\n') {
                return Err(format!("the {name} end in a torn row"));
            }
        }
        Ok(())
    }

    /// Says whether `found` is the same as this.
    ///
    /// # Errors
    /// It is not.
    pub fn equals(&self, found: &Self) -> Result<(), String> {
        self.begins_with(found)?;
        for (name, whole) in &self.0 {
            let found = found.of(name).len();
            if found < whole.len() {
                return Err(format!("the {name} end after {found} of {} bytes", whole.len()));
            }
        }
        Ok(())
    }
}

/// The line around a byte.
fn line_at(bytes: &[u8], at: usize) -> String {
    let at = at.min(bytes.len());
    let begin = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rest = bytes[begin..].split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(rest).into_owned()
}
