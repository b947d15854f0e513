//! The line that a terminal shows while a job runs.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use tidewire_tests::binary;

/// Bytes that a terminal is sent before the line is given up: some minutes of lines.
const BYTES_MAX: usize = 8 << 20;

/// A terminal (`script` makes one) shows what has come of four lines and a broken one, while more may come.
#[test]
fn a_terminal_shows_the_counts_of_a_live_job() {
    let folder = tempfile::tempdir().unwrap();
    let job = "
        CREATE TABLE lines (k STRING, v BIGINT, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts)
          WITH ('connector' = 'stdin', 'format' = 'json', 'on-error' = 'skip');
        CREATE TABLE sums (window_start TIMESTAMP_LTZ(3), total BIGINT)
          WITH ('connector' = 'filesystem', 'path' = 'sums.csv', 'format' = 'csv');
        CREATE TABLE all_of_them (v BIGINT) WITH ('connector' = 'filesystem', 'path' = 'all.csv', 'format' = 'csv');
        EXECUTE STATEMENT SET BEGIN
        INSERT INTO sums SELECT window_start, SUM(v)
          FROM TABLE(TUMBLE(TABLE lines, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
        INSERT INTO all_of_them SELECT v FROM lines;
        END;";
    fs::write(folder.path().join("job.sql"), job).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = format!("stty cols 300; exec '{}' run job.sql < pipe", binary().display());
    let mut terminal = Command::new("script")
        .current_dir(folder.path())
        .args(["--quiet", "--return", "--command", &run, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // It may signal all of its group.
        .process_group(0)
        .spawn()
        .unwrap();
    let mut input = OpenOptions::new().write(true).open(&pipe).unwrap();
    // The second closes the window of the first, the fourth is late for its own, and the last lets that be known.
    for (v, second) in [(1, 0), (2, 10), (0, 0), (3, 1), (4, 20)] {
        let line = match v {
            0 => "no JSON\n".to_owned(),
            _ => format!("{{\"k\":\"a\",\"v\":{v},\"ts\":\"2024-05-01 00:00:{second:02}Z\"}}\n"),
        };
        input.write_all(line.as_bytes()).unwrap();
    }
    let expected = ", 6 rows, 1 late, 1 left out, watermark 2024-05-01T00:00:20";
    let (mut shown, mut more) = (Vec::new(), [0; 4096]);
    let mut screen = terminal.stdout.take().unwrap();
    let line = loop {
        let count = screen.read(&mut more).unwrap();
        shown.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&shown);
        if let Some(line) = text.split('\r').find(|line| line.contains(expected)) {
            break line.to_owned();
        }
        assert!(count > 0 && shown.len() < BYTES_MAX, "{text}");
    };
    assert!(line.contains("4 events, "), "{line}");
    drop(input);
    screen.read_to_end(&mut shown).unwrap();
    assert!(terminal.wait().unwrap().success(), "{}", String::from_utf8_lossy(&shown));
}
