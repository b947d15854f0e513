//! Entries of any length side by side, in a part of a partial result that has room for so many bytes: how many are in
//! use stands before them.

use super::calls::Problem;
use super::codec::{get, put};

/// Bytes that say how many are in use.
pub(super) const HEAD_BYTES: usize = 2;

/// The entries.
pub(super) fn entries(part: &[u8]) -> &[u8] {
    let used = usize::from(u16::from_le_bytes(get(part, 0)));
    part.get(HEAD_BYTES..HEAD_BYTES + used).unwrap_or_default()
}

/// Puts an entry in, `at` bytes behind the first.
pub(super) fn insert(part: &mut [u8], at: usize, entry: &[u8], what: &str) -> Result<(), Problem> {
    let used = entries(part).len();
    let room = part.len() - HEAD_BYTES;
    if used + entry.len() > room {
        return Err(Problem::new(format!(
            "{what} take more than the {room} bytes that there are for them in a window: group by more columns, or use \
             smaller windows"
        )));
    }
    let (from, end) = (HEAD_BYTES + at, HEAD_BYTES + used);
    part.copy_within(from..end, from + entry.len());
    part[from..from + entry.len()].copy_from_slice(entry);
    put(part, 0, ((used + entry.len()) as u16).to_le_bytes());
    Ok(())
}
