use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::limits::SEGMENT_BYTES_MIN;

fn small(folder: &Path) -> Options {
    Options { segment_bytes: SEGMENT_BYTES_MIN, ..Options::new(folder, "test raw") }
}

fn read(folder: &Path, from: u64) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::open(folder, from).unwrap();
    let mut all = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        all.push((record.number, record.bytes.to_vec()));
    }
    all
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Against a list of all that was given.
    #[test]
    fn what_is_appended_is_read_over_segments_and_processes(
        lives in vec(vec(0..40_000_usize, 0..8), 1..5),
        sync in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        for lengths in lives {
            let mode = if sync { Mode::Sync } else { Mode::Async };
            let mut journal = Journal::open(Options { mode, ..small(folder.path()) }).unwrap();
            prop_assert_eq!(journal.next_number(), all.len() as u64);
            prop_assert_eq!(journal.torn(), None);
            for length in lengths {
                let bytes = vec![all.len() as u8 + 1; length];
                journal.append(7, 3, &bytes).unwrap();
                all.push((all.len() as u64, bytes));
            }
            journal.secure().unwrap();
            // Also what is open is there to be read.
            prop_assert_eq!(read(folder.path(), 0), all.clone());
        }
        prop_assert_eq!(read(folder.path(), 0), all);
        prop_assert!(names(&folder).iter().all(|name| !name.ends_with("unfinished")));
    }
}

#[test]
fn a_torn_tail_is_cut_and_said_and_the_next_number_follows() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(small(folder.path())).unwrap();
    for message in [b"one", b"two"] {
        journal.append(1, 0, message).unwrap();
    }
    drop(journal);
    let path = folder.path().join(Segment::name(0));
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.len();
    bytes.extend([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    fs::write(&path, bytes).unwrap();
    let mut journal = Journal::open(small(folder.path())).unwrap();
    assert_eq!(journal.torn(), Some(&Torn { path: path.clone(), offset: whole as u64, bytes: 9 }));
    assert_eq!(fs::metadata(&path).unwrap().len(), whole as u64);
    journal.append(1, 0, b"three").unwrap();
    let all = [(0, b"one".to_vec()), (1, b"two".to_vec()), (2, b"three".to_vec())];
    assert_eq!(read(folder.path(), 0), all);
}

#[test]
fn segments_go_when_they_are_not_needed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(small(folder.path())).unwrap();
    for number in 0..10 {
        journal.append(1, 0, &vec![number; SEGMENT_BYTES_MIN / 2]).unwrap();
    }
    assert_eq!(journal.first(), 0);
    journal.forget(4);
    assert_eq!(journal.first(), 4);
    journal.forget(u64::MAX);
    // The one that is written to stays.
    assert_eq!(journal.first(), 9);
    drop(journal);
    assert_eq!(names(&folder), [Segment::name(9), LOCK.to_owned()]);
    let journal = Journal::open(small(folder.path())).unwrap();
    assert_eq!((journal.first(), journal.next_number()), (9, 10));
}

#[test]
fn a_large_message_gets_a_segment_of_its_own_size() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(small(folder.path())).unwrap();
    journal.append(1, 0, &[1; 3 * SEGMENT_BYTES_MIN]).unwrap();
    journal.append(1, 0, b"small").unwrap();
    let lengths: Vec<_> = read(folder.path(), 0).into_iter().map(|it| it.1.len()).collect();
    assert_eq!(lengths, [3 * SEGMENT_BYTES_MIN, 5]);
    let too_long = journal.append(1, 0, &vec![0; MESSAGE_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(too_long, JournalError::TooLong { .. }));
}

#[test]
fn numbers_that_are_passed_over_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(small(folder.path())).unwrap();
    journal.append(1, 0, b"a").unwrap();
    journal.pass_over(5);
    journal.append(1, 0, b"b").unwrap();
    drop(journal);
    let mut reader = Reader::open(folder.path(), 0).unwrap();
    while reader.next().unwrap().is_some() {}
    assert_eq!((reader.next_number(), reader.missing()), (6, 4));
}

#[test]
fn a_folder_is_for_one_process_and_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(small(folder.path())).unwrap();
    journal.append(1, 0, b"a").unwrap();
    assert!(matches!(Journal::open(small(folder.path())), Err(JournalError::Locked { .. })));
    drop(journal);
    let another = Options { of: "udp itch".to_owned(), ..small(folder.path()) };
    let error = Journal::open(another).unwrap_err().to_string();
    assert!(
        error.contains("the journal is of 'test raw', and the table is of 'udp itch'"),
        "{error}"
    );
}
