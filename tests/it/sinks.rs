//! Several outputs of one job: one that stands still stops no other.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use tidewire::runtime::{Options, Silent};
use tidewire::sql::{Done, SqlJob, SqlRunError};

/// Together more bytes than the two ends of a connection hold.
const ROWS: u64 = 100_000;
const TEXT_BYTES: u64 = 150;

/// A job that writes every row to a file and to a connection, with these options of the connection.
fn run(address: &str, file: &Path, options: &str) -> Result<Done, SqlRunError> {
    let text = format!(
        "CREATE TABLE made (n BIGINT, s STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '{ROWS}',
           'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '{ROWS}', 'fields.s.length' = '{TEXT_BYTES}');
         CREATE TABLE sent (n BIGINT, s STRING)
           WITH ('connector' = 'tcp', 'address' = '{address}', 'format' = 'csv', {options});
         CREATE TABLE kept (n BIGINT, s STRING)
           WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         EXECUTE STATEMENT SET BEGIN
         INSERT INTO sent SELECT n, s FROM made;
         INSERT INTO kept SELECT n, s FROM made;
         END;",
        file.display()
    );
    SqlJob::read(&text, &Default::default())?.run(&Options::default(), &mut Silent)
}

/// The rows of a listener that reads nothing before the file is whole; then all.
fn read_behind(listener: &TcpListener, file: &Path, is_over: impl Fn() -> bool) -> Vec<String> {
    let (stream, _) = listener.accept().unwrap();
    while !file.exists() {
        assert!(!is_over(), "the job has ended, and there is no file");
        thread::yield_now();
    }
    BufReader::new(stream).lines().map(Result::unwrap).collect()
}

#[test]
fn a_file_is_written_while_nobody_reads_a_connection() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("'sink.queue.full' = 'drop', 'sink.queue.rows' = '10'", true),
        ("'sink.queue.rows' = '100000'", false),
    ];
    for (number, (options, drops)) in cases.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.csv"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (done, sent) = thread::scope(|scope| {
            let job = scope.spawn(|| run(&address, &file, options));
            let sent = read_behind(&listener, &file, || job.is_finished());
            (job.join().unwrap().unwrap(), sent)
        });
        let kept = std::fs::read_to_string(&file).unwrap();
        let kept: Vec<_> = kept.lines().collect();
        assert_eq!(kept.len() as u64, ROWS);
        let dropped: u64 = done.skipped.iter().map(|(_, count)| count).sum();
        assert_eq!((sent.len() as u64 + dropped, dropped > 0), (ROWS, drops), "{:?}", done.skipped);
        assert_eq!(done.rows_written, ROWS + sent.len() as u64);
        // What is not dropped comes in its order.
        let mut left = kept.into_iter();
        assert!(sent.iter().all(|line| left.any(|row| row == line)));
    }
}

#[test]
fn a_full_queue_ends_the_job_where_its_table_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.csv");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let options = "'sink.queue.full' = 'fail', 'sink.queue.rows' = '10'";
    let error = run(&address, &file, options).unwrap_err().to_string();
    assert!(error.starts_with("table sent: its queue of 10 row(s) is full"), "{error}");
    assert!(!file.exists());
}

#[test]
fn wrong_options_of_a_queue_are_shown_in_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept.csv");
    let error = |options| run("127.0.0.1:9", &file, options).unwrap_err().to_string();
    let wrong = error("'sink.queue.full' = 'block'");
    assert!(
        wrong.contains("the option 'sink.queue.full' is 'block': wait, drop or fail"),
        "{wrong}"
    );
    let wrong = error("'sink.queue.row' = '10'");
    assert!(wrong.contains("did you mean 'sink.queue.rows'?"), "{wrong}");
}
