use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use tidewire_event::{DataType, Value};
use tidewire_feeds::journal::segments;

use super::super::Columns;
use super::super::testing::{columns, options, values_of};
use super::*;

/// Gives messages of so many at once; one that is empty is a look that finds nothing.
struct Given(VecDeque<Vec<u8>>);

impl Transport for Given {
    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        let Some(batch) = self.0.pop_front() else { return Ok(Came::End) };
        for byte in &batch {
            inbox.push(7, 0, &[*byte]);
        }
        Ok(if batch.is_empty() { Came::Nothing } else { Came::Something })
    }

    fn place(&self) -> String {
        "given".to_owned()
    }
}

/// So many rows of a message as its byte modulo 3 says, of its number, its byte, and, if it needs all, the sum of all
/// bytes up to it.
struct Rows<const ALL: bool> {
    sum: i64,
    left: u8,
    message: (u64, u8),
    columns: Columns,
}

impl<const ALL: bool> Decode for Rows<ALL> {
    const NEEDS_ALL: bool = ALL;

    fn first(&mut self, message: &Message<'_>, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        let byte = message.bytes[0];
        self.sum += i64::from(byte);
        (self.left, self.message) = (byte % 3, (message.number, byte));
        self.more(row)
    }

    fn more(&mut self, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        if self.left == 0 {
            return Ok(None);
        }
        assert!(row.iter().all(|byte| *byte == 0));
        let mut writer = tidewire_event::RowWriter::on_zeros(row, &self.columns.layout);
        let (number, byte) = self.message;
        let sum = if ALL { self.sum } else { 0 };
        let values = [number as i64, byte.into(), sum, self.left.into()];
        for (slot, value) in self.columns.layout.slots().iter().zip(values) {
            writer.int(slot, value);
        }
        self.left -= 1;
        Ok(Some(Read::Row { received: None, partition: 0 }))
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

fn sample() -> Columns {
    columns(&["number", "byte", "sum", "left"].map(|name| (name, DataType::BigInt)))
}

fn open<const ALL: bool>(
    batches: &[Vec<u8>],
    folder: &Path,
) -> Result<Live<Given, Rows<ALL>>, TableError> {
    let path = folder.to_str().unwrap();
    let given = [("journal.path", path), ("journal.segment-bytes", "65536")];
    let keeping = Keeping::take(&mut options("given", &given), "bytes").unwrap();
    let rows = Rows { sum: 0, left: 0, message: (0, 0), columns: sample() };
    Live::new("given", Given(batches.iter().cloned().collect()), rows, keeping)
}

/// So many rows, or all; whether the table has ended.
fn rows(reader: &mut dyn TableReader, most: usize, out: &mut Vec<Vec<Value>>) -> bool {
    let columns = sample();
    let mut row = vec![0; 256];
    let end = out.len().saturating_add(most);
    while out.len() < end {
        row.fill(0);
        match reader.read(&mut row).unwrap() {
            Read::Row { .. } => out.push(values_of(&columns, &row)),
            Read::Nothing => {}
            Read::End => return true,
        }
    }
    false
}

/// A table that dies again and again gives what one gives that does not: each life goes on from the place of a life before,
/// or from the beginning where there is none, and what it gives behind that place is given again.
fn dies_and_goes_on<const ALL: bool>(batches: &[Vec<u8>], lives: &[(usize, usize, bool)]) {
    let (folder, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut expected = Vec::new();
    assert!(rows(&mut open::<ALL>(batches, whole.path()).unwrap(), usize::MAX, &mut expected));
    let mut out = Vec::new();
    let mut snapshot: Option<(String, usize)> = None;
    for (before, behind, forgets) in lives.iter().copied().chain([(usize::MAX, 0, false)]) {
        let kept = open::<ALL>(&[], folder.path()).unwrap().journal.unwrap().next_number() as usize;
        // What the journal does not have comes again.
        let mut seen = 0;
        let rest: Vec<Vec<u8>> = batches
            .iter()
            .map(|batch| {
                let from = kept.saturating_sub(seen).min(batch.len());
                seen += batch.len();
                batch[from..].to_vec()
            })
            .collect();
        let mut reader = open::<ALL>(&rest, folder.path()).unwrap();
        match &snapshot {
            Some((place, given)) => {
                assert!(reader.resume(place).unwrap());
                out.truncate(*given);
            }
            None => out.clear(),
        }
        if rows(&mut reader, before, &mut out) {
            break;
        }
        let place = reader.position().unwrap().unwrap();
        if forgets {
            reader.forget(&place);
        }
        snapshot = Some((place, out.len()));
        if rows(&mut reader, behind, &mut out) {
            break;
        }
    }
    assert_eq!(out, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_table_that_dies_gives_what_one_gives_that_does_not(
        batches in vec(vec(any::<u8>(), 0..6), 0..12),
        lives in vec((0..12_usize, 0..12_usize, any::<bool>()), 0..5),
    ) {
        dies_and_goes_on::<false>(&batches, &lives);
        dies_and_goes_on::<true>(&batches, &lives);
    }
}

#[test]
fn what_the_journal_does_not_have_is_an_error_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let batches = [vec![1, 1, 1]];
    let mut out = Vec::new();
    rows(&mut open::<true>(&batches, folder.path()).unwrap(), usize::MAX, &mut out);
    // A host that died has lost the end of the journal.
    let mut reader = open::<true>(&[], folder.path()).unwrap();
    let error = reader.resume("message 5 row 0").unwrap_err().to_string();
    assert!(
        error.contains("the journal ends with message 3, before the place of the snapshot"),
        "{error}"
    );
    drop(reader);
    let mut reader = open::<false>(&batches, folder.path()).unwrap();
    assert!(reader.resume("message 5 row 0").unwrap());
    out.clear();
    rows(&mut reader, 1, &mut out);
    assert_eq!(out[0][0], Value::Int(5));
    assert_eq!(reader.skipped()[0].1, 2);
    let error = open::<false>(&[], &folder.path().join("b")).unwrap().resume("row 7").unwrap_err();
    assert!(error.to_string().contains("'row 7', which is no place in a journal"));
}

#[test]
fn a_journal_whose_beginning_is_gone_needs_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let large = vec![vec![1; 3_000]; 3];
    let mut reader = open::<false>(&large, folder.path()).unwrap();
    rows(&mut reader, 8_000, &mut Vec::new());
    let place = reader.position().unwrap().unwrap();
    reader.forget(&place);
    drop(reader);
    let mut row = vec![0; 256];
    let error = open::<false>(&[], folder.path()).unwrap().read(&mut row).unwrap_err().to_string();
    assert!(error.ends_with("go on from the newest snapshot with --restore"), "{error}");
    assert!(open::<false>(&[], folder.path()).unwrap().resume(&place).unwrap());
}

#[test]
fn messages_may_not_be_dropped_where_all_are_needed() {
    let given = [("journal.path", "unused"), ("journal.when-full", "drop")];
    let keeping = Keeping::take(&mut options("given", &given), "bytes").unwrap();
    let error = keeping.open(true).unwrap_err().to_string();
    assert!(error.ends_with("only 'stop'"), "{error}");
}

/// Acknowledges messages: looks, when it is told that they are kept, at what the journal has on the disk.
struct Acknowledges {
    given: Given,
    folder: std::path::PathBuf,
    /// How many messages there have been, in this life and before.
    received: usize,
    /// The numbers that it was told of from the journal.
    told: Arc<Mutex<Vec<u64>>>,
}

impl Transport for Acknowledges {
    const ACKNOWLEDGES: bool = true;
    const LOOKS_BACK: u64 = 5;

    fn replayed(&mut self, message: &Message<'_>) {
        self.told.lock().unwrap().push(message.number);
        self.received = message.number as usize + 1;
    }

    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        let came = self.given.receive(inbox);
        self.received += inbox.iter().count();
        came
    }

    fn kept(&mut self) -> Result<(), TableError> {
        let mut reader = Reader::open(&self.folder, 0).unwrap();
        while reader.next().unwrap().is_some() {}
        assert_eq!(reader.next_number() as usize, self.received);
        Ok(())
    }

    fn place(&self) -> String {
        self.given.place()
    }
}

#[test]
fn a_transport_is_told_of_what_is_kept_and_of_what_was_before_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let open = |batches: &[Vec<u8>], mode: &str| {
        let path = folder.path().to_str().unwrap();
        let given =
            [("journal.path", path), ("journal.segment-bytes", "65536"), ("journal.mode", mode)];
        let keeping = Keeping::take(&mut options("given", &given), "bytes").unwrap();
        let transport = Acknowledges {
            given: Given(batches.iter().cloned().collect()),
            folder: folder.path().to_owned(),
            received: 0,
            told: Arc::clone(&told),
        };
        let rows = Rows::<false> { sum: 0, left: 0, message: (0, 0), columns: sample() };
        Live::new("given", transport, rows, keeping).unwrap()
    };
    // A byte is a row; three segments are full of them.
    let batches = vec![vec![1; 2_000]; 4];
    let mut out = Vec::new();
    let mut reader = open(&batches, "sync");
    rows(&mut reader, 7_990, &mut out);
    let place = reader.position().unwrap().unwrap();
    assert_eq!(place, "message 7989 row 1");
    // What it looks back at is kept, where a segment could go without it.
    let second = segments(folder.path()).unwrap()[1].0;
    for (before, first) in [(second + 4, 0), (second + 5, second)] {
        reader.forget(&Place::before(before).to_string());
        assert_eq!(reader.journal.as_ref().unwrap().first(), first);
    }
    drop(reader);
    assert!(told.lock().unwrap().is_empty());
    let mut reader = open(&[], "async");
    assert!(reader.resume(&place).unwrap());
    out.clear();
    assert!(rows(&mut reader, usize::MAX, &mut out));
    assert_eq!(out.len(), 10);
    assert_eq!(*told.lock().unwrap(), (7_984..8_000).collect::<Vec<_>>());
    assert!(reader.skipped().is_empty());
}
