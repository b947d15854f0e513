//! The same job live as in replay: `tidewire publish` sends, and `tidewire run` reads.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tempfile::TempDir;
use tidewire_feeds::itch::{Frame, LENGTH_BYTES, frame};
use tidewire_feeds::mold::PacketBuilder;
use tidewire_tests::{binary, stderr, tidewire};
use tidewire_udp::{Interface, Sender};

const MESSAGES: u64 = 20_000;

/// A generated day, and what a job makes of it in replay.
struct Day {
    folder: TempDir,
    capture: PathBuf,
    expected: String,
}

const QUERY: &str =
    "INSERT INTO bars SELECT window_start, symbol, MIN(price), MAX(price), SUM(quantity)
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts_event), INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end, symbol;";

impl Day {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let capture = folder.path().join("day.itch");
        let messages = MESSAGES.to_string();
        let path = capture.to_str().unwrap().to_owned();
        let output =
            tidewire(["generate", "itch", &path, "--messages", &messages, "--symbols", "40"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let mut day = Self { folder, capture, expected: String::new() };
        let job = day.job("replay", &format!("'connector' = 'itch', 'path' = '{path}'"));
        let output = tidewire(["run".as_ref(), job.as_os_str()]);
        assert!(output.status.success(), "{}", stderr(&output));
        day.expected = day.rows("replay");
        assert!(day.expected.lines().count() > 30);
        day
    }

    /// A job that reads trades from where the options say.
    fn job(&self, name: &str, options: &str) -> PathBuf {
        let out = self.folder.path().join(name).with_extension("csv");
        let text = format!(
            "CREATE TABLE trades WITH ({options}, 'stream' = 'trades', 'date' = '2026-01-05');
             CREATE TABLE bars (start TIMESTAMP_LTZ(3), symbol STRING, low DECIMAL(18, 4), high DECIMAL(18, 4), volume BIGINT)
               WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
             {QUERY}",
            out.display()
        );
        let job = self.folder.path().join(name).with_extension("sql");
        fs::write(&job, text).unwrap();
        job
    }

    fn rows(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name).with_extension("csv")).unwrap()
    }
}

/// A port of this host that was free a moment ago.
fn free_port() -> u16 {
    UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(binary());
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a process that succeeds, and gives what it has said.
fn finish(mut child: Child) -> String {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    said
}

/// The bytes that wait in a socket of this port, once there is one.
fn waiting(port: u16) -> Option<u64> {
    let sockets = fs::read_to_string("/proc/net/udp").unwrap();
    sockets.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let of = u16::from_str_radix(fields[1].split_once(':')?.1, 16).ok()?;
        let queued = u64::from_str_radix(fields[4].split_once(':')?.1, 16).ok()?;
        (of == port).then_some(queued)
    })
}

/// Waits until a job has a socket of this port.
fn until_bound(port: u16, job: &mut Child) {
    while waiting(port).is_none() {
        assert!(job.try_wait().unwrap().is_none(), "the job has ended: {}", read_all(job));
        thread::yield_now();
    }
}

fn read_all(child: &mut Child) -> String {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

/// A count that a job or publisher has said.
fn count(said: &str, of: &str) -> u64 {
    let line = said.lines().find_map(|line| line.strip_prefix(of));
    let line = line.unwrap_or_else(|| panic!("no {of} in:\n{said}"));
    line.trim().replace(',', "").parse().unwrap()
}

/// Starts to publish, and gives the address that it says behind `what`.
fn publish(
    capture: &Path,
    what: &str,
    arguments: &[&str],
) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let capture = capture.to_str().unwrap();
    let mut child = start(&[&["publish", capture], arguments].concat());
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix(what).unwrap_or_else(|| panic!("{line}")).to_owned();
    (child, said, address)
}

/// A seed by which some packets are lost on both lines: one in ten thousand is.
const SEED: &str = "8";

/// Publishes the day on two lines, each of which loses one packet in a hundred on its own. What the publisher says.
fn rehearse(day: &Day, lines: &str, more: &[&str]) -> String {
    let capture = day.capture.to_str().unwrap();
    let faults = ["--drop", "1%", "--duplicate", "1%", "--reorder", "1%", "--seed", SEED];
    let to = ["publish", capture, "--to", lines, "--interface", "lo", "--rate", "40000/s"];
    let output = tidewire([&to[..], &faults, more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn two_lines_with_losses_and_a_server_give_what_the_replay_gives() {
    let day = Day::new();
    let (port, server) = (free_port(), free_port());
    let lines = format!("239.255.41.1:{port},239.255.41.2:{port}");
    let server = format!("127.0.0.1:{server}");
    let job = day.job(
        "live",
        &format!(
            "'connector' = 'udp', 'address' = '{lines}', 'interface' = 'lo', 'format' = 'itch', 'start' = 'session',
             'request.address' = '{server}', 'request.wait' = '200 ms', 'request.attempts' = '20', 'reorder-wait' = '1 ms'"
        ),
    );
    let mut run = start(&["run", job.to_str().unwrap()]);
    until_bound(port, &mut run);
    let published = rehearse(&day, &lines, &["--serve-gaps", &server, "--linger", "3s"]);
    let said = finish(run);
    assert!(day.rows("live") == day.expected, "the live rows differ from the replay's:\n{said}");
    let of = |what: &str| count(&said, &format!("trades: {what}:"));
    assert_eq!((of("messages"), of("messages given up")), (MESSAGES, 0));
    let filled = (of("messages filled by a line"), of("messages filled by a server"));
    assert_eq!(filled.0 + filled.1, of("messages missing in them"));
    assert!(filled.1 > 0, "no packet is lost on both lines: take another seed\n{said}");
    for line in 1..=2 {
        let of_line = |what: &str| of(&format!("line {line} (239.255.41.{line}:{port}): {what}"));
        assert!(of_line("messages lost") > 0 && of_line("messages first") > 0, "{said}");
    }
    assert!(published.contains("requests: "), "{published}");
}

#[test]
fn without_a_server_the_gap_is_shown_and_books_are_marked() {
    let day = Day::new();
    let port = free_port();
    let lines = format!("239.255.42.1:{port},239.255.42.2:{port}");
    // The same job over the best prices, in replay and live.
    let job = |name: &str, options: &str| {
        let out = day.folder.path().join(name).with_extension("csv");
        let text = format!(
            "CREATE TABLE quotes WITH ({options}, 'stream' = 'bbo', 'date' = '2026-01-05');
             CREATE TABLE seen (is_reliable BOOLEAN, symbol STRING, ts TIMESTAMP_LTZ(9), bid DECIMAL(18, 4), ask DECIMAL(18, 4))
               WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
             INSERT INTO seen SELECT is_reliable, symbol, ts_event, bid_price, ask_price FROM quotes;",
            out.display()
        );
        let job = day.folder.path().join(name).with_extension("sql");
        fs::write(&job, text).unwrap();
        job.to_str().unwrap().to_owned()
    };
    let replayed =
        job("quotes", &format!("'connector' = 'itch', 'path' = '{}'", day.capture.display()));
    finish(start(&["run", &replayed]));
    let live = job(
        "marked",
        &format!(
            "'connector' = 'udp', 'address' = '{lines}', 'interface' = 'lo', 'format' = 'itch', 'start' = 'session',
             'reorder-wait' = '1 ms'"
        ),
    );
    let mut run = start(&["run", &live]);
    until_bound(port, &mut run);
    rehearse(&day, &lines, &[]);
    let said = finish(run);
    let of = |what: &str| count(&said, &format!("quotes: {what}:"));
    let given_up = of("messages given up");
    assert!(
        given_up > 0 && of("gaps") > 0,
        "no packet is lost on both lines: take another seed\n{said}"
    );
    assert_eq!(of("messages filled by a line") + given_up, of("messages missing in them"));
    assert_eq!(of("messages") + given_up, MESSAGES);
    let left_out = "left out of quotes: messages missing in gaps of the sequence numbers:";
    assert_eq!(count(&said, left_out), given_up);
    let (expected, found) = (day.rows("quotes"), day.rows("marked"));
    assert!(expected.lines().all(|row| row.starts_with("true,")), "nothing is missing in a replay");
    // Up to the gap the rows are the replay's; behind it no book is to be relied upon.
    let reliable = found.find("false,").unwrap_or(found.len());
    assert!(reliable > 0 && expected.starts_with(&found[..reliable]), "{said}");
    let marked = &found[reliable..];
    assert!(!marked.is_empty() && marked.lines().all(|row| row.starts_with("false,")), "{said}");
}

#[test]
fn soupbintcp_gives_what_the_replay_gives() {
    let day = Day::new();
    let arguments = ["--soup", "127.0.0.1:0", "--rate", "max", "--linger", "200ms"];
    let (mut publisher, mut rest, address) = publish(&day.capture, "SoupBinTCP at ", &arguments);
    let job = day.job(
        "soup",
        &format!("'connector' = 'soupbintcp', 'address' = '{address}', 'format' = 'itch'"),
    );
    let said = finish(start(&["run", job.to_str().unwrap()]));
    let mut published = String::new();
    rest.read_to_string(&mut published).unwrap();
    assert!(publisher.wait().unwrap().success(), "{published}");
    assert!(day.rows("soup") == day.expected, "the rows differ from the replay's:\n{said}");
    assert_eq!(count(&said, "trades: messages:"), MESSAGES);
    assert!(
        published.contains(
            "SoupBinTCP: 1 logins, 0 rejected, 20,000 messages sent, 0 connections broken"
        ),
        "{published}"
    );
}

#[test]
fn a_live_job_that_is_interrupted_closes_its_windows() {
    let day = Day::new();
    let port = free_port();
    let address: SocketAddrV4 = format!("127.0.0.1:{port}").parse().unwrap();
    let options = format!(
        "'connector' = 'udp', 'address' = '{address}', 'format' = 'itch', 'start' = 'session'"
    );
    let job = day.job("interrupted", &options);
    let mut run = start(&["run", job.to_str().unwrap()]);
    until_bound(port, &mut run);
    let sender = Sender::open(address, None::<Interface>, 0).unwrap();
    let file = fs::read(&day.capture).unwrap();
    let mut rest = &file[..];
    let mut packet = PacketBuilder::new(*b"TIDEWIRE01", 1);
    while let Frame::Message(message) = frame(rest) {
        assert!(packet.push(message));
        rest = &rest[LENGTH_BYTES + message.len()..];
        if packet.count() == 20 {
            packet.finish(|bytes| sender.send(bytes)).unwrap();
            // No packet is dropped where each is taken before the next one comes.
            while waiting(port) != Some(0) {
                thread::yield_now();
            }
        }
    }
    assert_eq!(packet.count(), 0);
    let pid = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let said = finish(run);
    assert_eq!(count(&said, "trades: messages:"), MESSAGES);
    assert!(day.rows("interrupted") == day.expected, "the rows differ from the replay's:\n{said}");
}
