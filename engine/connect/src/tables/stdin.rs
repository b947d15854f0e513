//! Standard input as a table: `'connector' = 'stdin'`. A line is a row; the end of the input is the end of the table.
//!
//! Nothing waits: what has not come yet is looked for again.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tidewire_udp::clock::unix_now_ns;

use super::live::{Came, Framer, Framing, Inbox, Keeping, Live, Numbered, TextRows, Transport};
use super::{Columns, Options, TableError, TableReader};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;
const PLACE: &str = "standard input";

/// The reader of the table.
pub(super) fn reader(
    options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableReader>, TableError> {
    let input = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
    reader_of(input, options, columns)
}

fn reader_of(
    input: OwnedFd,
    mut options: Options,
    columns: &Columns,
) -> Result<Box<dyn TableReader>, TableError> {
    let format = options.clone().take("format").unwrap_or_default();
    let keeping = Keeping::take(&mut options, &format)?;
    let known = Numbered::new(PLACE.to_owned(), columns)?;
    let rows = TextRows::take(&mut options, columns, known)?;
    options.finish()?;
    let stdin = Stdin {
        file: input.into(),
        framer: Framer::new(Framing::Lines),
        piece: vec![0; READ_BYTES],
        lines: 0,
    };
    Ok(Box::new(Live::new("stdin", stdin, rows, keeping)?))
}

fn failed(error: io::Error) -> TableError {
    TableError::Input { place: PLACE.to_owned(), problem: error.to_string() }
}

/// Reads lines.
struct Stdin {
    file: File,
    framer: Framer,
    piece: Vec<u8>,
    lines: u64,
}

impl Stdin {
    /// Whether a read would not wait.
    fn is_ready(&self) -> io::Result<bool> {
        let mut polled = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Transport for Stdin {
    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        if !self.is_ready().map_err(failed)? {
            return Ok(Came::Nothing);
        }
        let Self { file, framer, piece, lines } = self;
        let read = match file.read(piece) {
            Ok(read) => read,
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
            {
                return Ok(Came::Nothing);
            }
            Err(error) => return Err(failed(error)),
        };
        let received = unix_now_ns();
        let mut push = |line: &[u8]| {
            *lines += 1;
            inbox.push(received, 0, line);
        };
        if read == 0 {
            framer.end(push);
            return Ok(Came::End);
        }
        framer.take(piece.get(..read).unwrap_or_default(), || PLACE.to_owned(), &mut push)?;
        Ok(Came::Something)
    }

    fn place(&self) -> String {
        PLACE.to_owned()
    }

    fn counts(&self) -> Vec<(String, u64)> {
        vec![("lines".to_owned(), self.lines)]
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tidewire_event::{DataType, Value};

    use super::super::testing::{columns, options, read_all, values_of};
    use super::super::{OptionError, Read};
    use super::*;

    fn open(given: &[(&str, &str)]) -> (io::PipeWriter, Result<Box<dyn TableReader>, TableError>) {
        let (read, write) = io::pipe().unwrap();
        (
            write,
            reader_of(read.into(), options("stdin", given), &columns(&[("n", DataType::BigInt)])),
        )
    }

    #[test]
    fn lines_are_rows_as_they_come_up_to_the_end() {
        let (mut write, reader) = open(&[("format", "json")]);
        let mut reader = reader.unwrap();
        let columns = columns(&[("n", DataType::BigInt)]);
        let mut row = vec![0; 64];
        assert_eq!(reader.read(&mut row).unwrap(), Read::Nothing);
        write.write_all(b"{\"n\": 1}\n\n{\"n\"").unwrap();
        assert!(matches!(reader.read(&mut row).unwrap(), Read::Row { received: Some(_), .. }));
        assert_eq!(values_of(&columns, &row), [Value::Int(1)]);
        row.fill(0);
        assert_eq!(reader.read(&mut row).unwrap(), Read::Nothing);
        write.write_all(b": 2}").unwrap();
        drop(write);
        assert_eq!(read_all(&mut *reader, &columns).unwrap(), [[Value::Int(2)]]);
        assert_eq!(reader.counts(), [("lines".to_owned(), 3)]);
        assert_eq!(reader.skipped(), [("messages left out: they are blank".to_owned(), 1)]);
    }

    #[test]
    fn a_bad_line_stops_or_is_left_out() {
        let (mut write, reader) = open(&[("format", "json")]);
        write.write_all(b"{\"n\": 1}\nx\n").unwrap();
        let columns = columns(&[("n", DataType::BigInt)]);
        let error = read_all(&mut *reader.unwrap(), &columns).unwrap_err().to_string();
        assert!(error.starts_with("standard input, message 2: no JSON object"), "{error}");
        assert!(error.ends_with("'on-error' = 'skip' goes on without such messages"), "{error}");

        let (mut write, reader) = open(&[("format", "json"), ("on-error", "skip")]);
        write.write_all(b"{\"n\": 1}\nx\n{\"n\": 3}\n").unwrap();
        drop(write);
        let mut reader = reader.unwrap();
        let rows = read_all(&mut *reader, &columns).unwrap();
        assert_eq!(rows, [[Value::Int(1)], [Value::Int(3)]]);
        assert_eq!(reader.skipped(), [("messages left out: no JSON object".to_owned(), 1)]);
    }

    #[test]
    fn options_are_checked_and_a_journal_is_asked_for() {
        let of = |given: &[(&str, &str)]| open(given).1.unwrap_err().to_string();
        assert!(
            of(&[("format", "json"), ("on-eror", "skip")]).contains("did you mean 'on-error'?")
        );
        assert!(of(&[("format", "xml")]).contains("json, csv, avro or raw"));
        assert!(of(&[("format", "json"), ("journal.mode", "sync")]).contains("'journal.path'"));
        assert!(
            of(&[("format", "json"), ("journal.mode", "safe")]).ends_with("async, sync or off")
        );
        let (_write, reader) = open(&[("format", "json")]);
        let needed = reader.unwrap().needs_journal();
        assert!(matches!(needed, Some(OptionError::Missing { name: "journal.path", .. })));
        let (_write, reader) = open(&[("format", "json"), ("journal.mode", "off")]);
        assert_eq!(reader.unwrap().needs_journal(), None);
    }
}
