//! What may be the name of an object: so that a name can not leave its store, nor be taken for an unfinished object.

/// Ends the names of objects that are being written. No name of an object ends so.
pub(super) const UNFINISHED: &str = ".unfinished";

/// Why a text is no name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or with two slashes in a row, or with one at either end.
    #[error("a part of the name is empty")]
    EmptyPart,
    /// A part is `.` or `..`.
    #[error("a part of the name is . or ..")]
    Dots,
    /// A character that no name has.
    #[error("{0:?} in the name: it may have letters, digits, '-', '.' and '/'")]
    Character(char),
    /// It ends in what unfinished objects end in.
    #[error("the name ends in {UNFINISHED}")]
    Unfinished,
}

/// Says whether `name` may name an object.
pub(super) fn check(name: &str) -> Result<(), NameError> {
    name.split('/').try_for_each(check_part)?;
    if name.ends_with(UNFINISHED) { Err(NameError::Unfinished) } else { Ok(()) }
}

/// Says whether `prefix` may begin a name, and returns the folder in which all such names lie.
pub(super) fn folder_of_prefix(prefix: &str) -> Result<&str, NameError> {
    let (folder, start) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    if prefix.contains('/') {
        folder.split('/').try_for_each(check_part)?;
    }
    check_characters(start)?;
    Ok(folder)
}

fn check_part(part: &str) -> Result<(), NameError> {
    match part {
        "" => Err(NameError::EmptyPart),
        "." | ".." => Err(NameError::Dots),
        _ => check_characters(part),
    }
}

fn check_characters(text: &str) -> Result<(), NameError> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    text.chars().find(|&c| !is_good(c)).map_or(Ok(()), |c| Err(NameError::Character(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_store() {
        for good in ["a", "log/00000001-0000000000000002-003", "a.b/c-D.json", "..a"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("", NameError::EmptyPart),
            ("/a", NameError::EmptyPart),
            ("a//b", NameError::EmptyPart),
            ("a/", NameError::EmptyPart),
            ("..", NameError::Dots),
            ("a/../b", NameError::Dots),
            ("./a", NameError::Dots),
            ("a b", NameError::Character(' ')),
            ("a\\b", NameError::Character('\\')),
            ("a\0", NameError::Character('\0')),
            ("a.unfinished", NameError::Unfinished),
        ] {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_prefix_may_end_anywhere_in_a_name() {
        assert_eq!(folder_of_prefix(""), Ok(""));
        assert_eq!(folder_of_prefix("lo"), Ok(""));
        assert_eq!(folder_of_prefix("log/"), Ok("log"));
        assert_eq!(folder_of_prefix("a/b/c"), Ok("a/b"));
        assert_eq!(folder_of_prefix("../a"), Err(NameError::Dots));
        assert_eq!(folder_of_prefix("/a"), Err(NameError::EmptyPart));
        assert_eq!(folder_of_prefix("a//"), Err(NameError::EmptyPart));
    }
}
