//! The first file of a zip archive, which no connector reads.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use flate2::read::DeflateDecoder;

/// Unpacks the first file of the archive `from` into the file `to`.
pub(super) fn unpack(from: &str, to: &Path) {
    let archive = fs::read(from).unwrap();
    let number = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
    // A local header, APPNOTE 4.3.7: the signature, the method (8: deflated), the lengths of the name and of what else is said.
    assert_eq!((&archive[..4], number(8)), (&b"PK\x03\x04"[..], 8), "{from}");
    let data = 30 + number(26) + number(28);
    let mut unpacked = DeflateDecoder::new(&archive[data..]);
    io::copy(&mut unpacked, &mut File::create(to).unwrap()).unwrap();
}
