use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::decode::testing::assert_decoder_holds_its_promises;

type Kept = (u64, i64, u32, Vec<u8>);

fn record_of(kept: &Kept) -> Record<'_> {
    let (number, received, line, bytes) = kept;
    Record { number: *number, received: *received, line: *line, bytes }
}

/// A segment with so many zeros behind it, and where each of its records ends.
fn segment(records: &[Kept], first: u64, zeros: usize) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = header(first, "test");
    let mut ends = Vec::new();
    for kept in records {
        let at = bytes.len();
        bytes.resize(at + record_bytes(kept.3.len()), 0);
        assert!(write(&record_of(kept), &mut bytes[at..]));
        ends.push(bytes.len());
    }
    bytes.resize(bytes.len() + zeros, 0);
    (bytes, ends)
}

fn numbered(messages: Vec<(i64, u32, Vec<u8>)>, first: u64) -> Vec<Kept> {
    let numbered = (first..).zip(messages);
    numbered.map(|(number, (received, line, bytes))| (number, received, line, bytes)).collect()
}

fn read_from(folder: &Path, from: u64) -> Result<(Vec<Kept>, Reader), JournalError> {
    let mut reader = Reader::open(folder, from)?;
    let mut kept = Vec::new();
    while let Some(Record { number, received, line, bytes }) = reader.next()? {
        kept.push((number, received, line, bytes.to_vec()));
    }
    Ok((kept, reader))
}

fn folder_of(segments: &[(u64, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (first, bytes) in segments {
        fs::write(folder.path().join(Segment::name(*first)), bytes).unwrap();
    }
    folder
}

fn messages() -> impl Strategy<Value = Vec<(i64, u32, Vec<u8>)>> {
    vec((any::<i64>(), any::<u32>(), vec(any::<u8>(), 0..100)), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_written_is_read_from_any_number_on(
        messages in messages(),
        cut in any::<prop::sample::Index>(),
        from in 0..50_u64,
        zeros in 0..100_usize,
    ) {
        let all = numbered(messages, 0);
        let cut = cut.index(all.len());
        let (one, _) = segment(&all[..cut], 0, zeros * 8);
        let (two, _) = segment(&all[cut..], cut as u64, zeros);
        let folder = folder_of(&[(0, one), (cut as u64, two)][usize::from(cut == 0)..]);
        let (read, reader) = read_from(folder.path(), from).unwrap();
        let expected: Vec<_> = all.iter().filter(|kept| kept.0 >= from).cloned().collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!(reader.next_number(), all.len() as u64);
        prop_assert_eq!((reader.of(), reader.torn(), reader.missing()), (Some("test"), None, 0));
    }

    #[test]
    fn of_a_tail_that_is_cut_the_whole_records_come_back(
        messages in messages(),
        cut in any::<prop::sample::Index>(),
        zeros in 0..64_usize,
    ) {
        let all = numbered(messages, 0);
        let (mut bytes, ends) = segment(&all, 0, 0);
        let cut = cut.index(bytes.len());
        bytes.truncate(cut);
        bytes.resize(cut + zeros, 0);
        let folder = folder_of(&[(0, bytes)]);
        let (read, reader) = read_from(folder.path(), 0).unwrap();
        // A record that ends with zeros is whole again when these are.
        let whole = ends.iter().take_while(|end| **end <= cut).count();
        prop_assert!(read.len() >= whole && read.len() <= whole + 1);
        prop_assert_eq!(&read[..], &all[..read.len()]);
        let begin = header(0, "test").len();
        let end = reader.end().unwrap().1 as usize;
        match read.len() {
            // So is a header.
            0 => prop_assert!(end == begin || end == 0 && cut < begin),
            read => prop_assert_eq!(end, ends[read - 1]),
        }
    }

    #[test]
    fn a_flipped_bit_ends_the_journal_before_its_record(
        messages in messages(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u32,
        zeros in 0..64_usize,
    ) {
        let all = numbered(messages, 0);
        let (mut bytes, ends) = segment(&all, 0, zeros);
        let at = at.index(ends[ends.len() - 1]);
        bytes[at] ^= 1 << bit;
        let folder = folder_of(&[(0, bytes)]);
        let (read, reader) = read_from(folder.path(), 0).unwrap();
        let begin = header(0, "test").len();
        let hit = if at < begin { 0 } else { ends.iter().take_while(|end| **end <= at).count() };
        // What fills a record up to 8 bytes is not checked, and holds nothing.
        let is_filling = at >= begin && {
            let start = if hit == 0 { begin } else { ends[hit - 1] };
            at >= start + RECORD_HEAD_BYTES + all[hit].3.len()
        };
        let is_header_filling = at >= HEADER_BYTES + 4 && at < begin;
        let expected = if is_filling || is_header_filling { all.len() } else { hit };
        prop_assert_eq!(&read[..], &all[..expected]);
        prop_assert_eq!(reader.torn().is_some(), expected < all.len());
    }

    #[test]
    fn the_decoder_holds_its_promises(bytes in vec(any::<u8>(), 0..300), is_after in any::<bool>()) {
        let (mut all, _) = segment(&numbered(vec![(1, 2, vec![3; 9])], 0), 0, 0);
        all.extend(bytes.iter());
        let bytes = if is_after { &all } else { &bytes };
        assert_decoder_holds_its_promises(&mut JournalDecoder::default(), bytes);
    }
}

#[test]
fn numbers_passed_over_between_segments_are_counted() {
    let (one, _) = segment(&numbered(vec![(1, 0, b"a".to_vec())], 0), 0, 16);
    let (two, _) = segment(&numbered(vec![(2, 0, b"b".to_vec())], 5), 5, 0);
    let folder = folder_of(&[(0, one), (5, two)]);
    let (read, reader) = read_from(folder.path(), 0).unwrap();
    assert_eq!(read.iter().map(|kept| kept.0).collect::<Vec<_>>(), [0, 5]);
    assert_eq!(reader.missing(), 4);
}

#[test]
fn numbers_passed_over_within_a_segment_are_damage() {
    let mut records = numbered(vec![(1, 0, b"a".to_vec()), (1, 0, b"b".to_vec())], 0);
    records[1].0 = 7;
    let folder = folder_of(&[(0, segment(&records, 0, 0).0)]);
    let (read, reader) = read_from(folder.path(), 0).unwrap();
    assert_eq!((read.len(), reader.torn().is_some()), (1, true));
}

#[test]
fn damage_before_the_newest_segment_is_an_error_with_its_place() {
    let (mut one, ends) = segment(&numbered(vec![(1, 0, vec![9; 40]); 2], 0), 0, 0);
    let (two, _) = segment(&numbered(vec![(2, 0, b"b".to_vec())], 2), 2, 0);
    one[ends[0] + 30] ^= 1;
    let folder = folder_of(&[(0, one), (2, two)]);
    let error = read_from(folder.path(), 0).unwrap_err().to_string();
    let place = format!("{}, offset {}: ", Segment::name(0), ends[0]);
    assert!(error.contains(&place) && error.contains("others stand behind it"), "{error}");
    // It is not read where it is not needed.
    assert_eq!(read_from(folder.path(), 2).unwrap().0.len(), 1);
}

#[test]
fn a_message_that_is_too_long_is_not_written() {
    let mut room = vec![0; 64];
    let record = Record { number: 0, received: 0, line: 0, bytes: &[1; 40] };
    assert!(!write(&record, &mut room));
    assert_eq!(room, vec![0; 64]);
}

#[test]
fn a_newer_version_is_said() {
    let (mut bytes, _) = segment(&[], 0, 0);
    bytes[8] = 2;
    let error = JournalDecoder::default().decode(&bytes).unwrap_err().to_string();
    assert!(error.starts_with("offset 8: expected version 1 of the format of journals"), "{error}");
}
