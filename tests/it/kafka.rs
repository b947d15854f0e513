//! Topics of a real broker, read and written by the real binary: see `scripts/kafka.sh`.

mod story;
mod typed;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tidewire_tests::kafka::Broker;
use tidewire_tests::{binary, stderr};

/// A job in a folder of its own.
struct Job {
    folder: tempfile::TempDir,
}

impl Job {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("job.sql"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("run").arg(self.path().join("job.sql")).args(arguments);
        command.current_dir(self.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a run that ends well shows.
    #[track_caller]
    fn shows(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a run says that does not.
    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "it ends well");
        stderr(&output)
    }
}

fn with(broker: &Broker, topic: &str, more: &str) -> String {
    let address = broker.address();
    format!(
        "WITH ('connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{address}', {more})"
    )
}

const BOUNDED: &str = "'format' = 'json', 'scan.bounded.mode' = 'latest-offset', 'scan.startup.mode' = 'earliest-offset'";

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
fn rows_are_read_from_each_start() {
    let Some(broker) = Broker::start() else { return };
    broker.create("numbers", 2, &[]);
    let rows: Vec<_> =
        (0..10).map(|n| (n % 2, format!("k{n}"), format!("{{\"n\":{n}}}"))).collect();
    broker.write("numbers", rows.iter().map(|(p, k, v)| (*p, &**k, &**v)));
    let select = |start: &str| {
        let options = format!("'format' = 'json', 'scan.bounded.mode' = 'latest-offset', {start}");
        let job = Job::new(&format!(
            "CREATE TABLE numbers (n INT, k STRING METADATA FROM 'key', p INT METADATA FROM 'partition',
               o BIGINT METADATA FROM 'offset', t STRING METADATA FROM 'topic', h MAP<STRING, BYTES> METADATA FROM 'headers') {};
             SELECT n, k, p, o, t, CAST(h['by'] AS STRING) FROM numbers;",
            with(&broker, "numbers", &options)
        ));
        let mut lines: Vec<_> = job.shows(&[]).lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let all = select("'scan.startup.mode' = 'earliest-offset'");
    assert_eq!(all.len(), 10, "{all:?}");
    assert_eq!(all[3], "3,k3,1,1,numbers,test");
    assert!(select("'scan.startup.mode' = 'latest-offset'").is_empty());
    let offsets = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:4;partition:1,offset:5'";
    assert_eq!(select(offsets), ["8,k8,0,4,numbers,test"]);
    let from = |ms: &str| {
        format!("'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '{ms}'")
    };
    assert_eq!(select(&from("0")).len(), 10);
    assert!(select(&from("99999999999999")).is_empty());
}

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
fn a_bounded_job_writes_a_topic_exactly_once_and_goes_on_from_its_end() {
    let Some(broker) = Broker::start() else { return };
    broker.create("in", 2, &[]);
    broker.create("out", 1, &[]);
    let job = Job::new(&format!(
        "SET 'snapshot.store' = 'store';
         CREATE TABLE numbers (n INT) {};
         CREATE TABLE doubled (n INT) {};
         INSERT INTO doubled SELECT n * 2 FROM numbers;",
        with(&broker, "in", BOUNDED),
        with(
            &broker,
            "out",
            "'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'doubled'"
        )
    ));
    broker.write("in", [(0, "a", "{\"n\":1}"), (1, "b", "{\"n\":2}")]);
    job.shows(&[]);
    let values = || {
        let mut values: Vec<_> = broker.read("out").into_iter().map(|seen| seen.value).collect();
        values.sort();
        values
    };
    let expected = ["{\"n\":2}", "{\"n\":4}"];
    assert_eq!(values(), expected);
    let without = job.fails(&[]);
    assert!(without.contains("already holds snapshots"), "{without}");
    // A bounded read has ended for good: what came since is not of it.
    broker.write("in", [(0, "c", "{\"n\":3}")]);
    job.shows(&["--restore"]);
    assert_eq!(values(), expected);
    let unsafe_job = Job::new(
        &fs::read_to_string(job.path().join("job.sql"))
            .unwrap()
            .replace("SET 'snapshot.store' = 'store';", ""),
    );
    let refused = unsafe_job.fails(&[]);
    assert!(refused.contains("it needs snapshots: SET 'snapshot.store'"), "{refused}");
}

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
fn what_is_wrong_with_a_topic_stops_the_job_and_is_said() {
    let Some(broker) = Broker::start() else { return };
    broker.create("in", 2, &[]);
    broker.write("in", [(0, "a", "{\"n\":1}"), (1, "b", "{\"n\":2}"), (1, "c", "{\"n\":3}")]);
    let text = |topic: &str| {
        format!(
            "SET 'snapshot.store' = 'store';
             CREATE TABLE numbers (n INT) {};
             CREATE TABLE none (n INT) WITH ('connector' = 'blackhole');
             INSERT INTO none SELECT n FROM numbers;",
            with(&broker, topic, BOUNDED)
        )
    };
    let unknown = Job::new(&text("inn")).fails(&[]);
    assert!(unknown.contains("there is no such topic"), "{unknown}");
    let login = |password: &str| {
        let with_login = format!(
            "'properties.security.protocol' = 'SASL_PLAINTEXT', 'properties.sasl.mechanisms' = 'PLAIN',
             'properties.sasl.username' = 'ann', 'properties.sasl.password' = '{password}', 'format' = 'json'"
        );
        let text = text("in").replace("'format' = 'json'", &with_login);
        Job::new(&text.replace(&broker.address(), &broker.login_address()))
    };
    login("secret").shows(&[]);
    let refused = login("guess").fails(&[]);
    assert!(refused.contains("no answer") && refused.contains("uthentication"), "{refused}");
    let nobody = Job::new(&text("in").replace(&broker.address(), "127.0.0.1:1")).fails(&[]);
    assert!(nobody.contains("no answer") && nobody.contains("Connection refused"), "{nobody}");
}

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
fn a_topic_that_was_made_anew_or_cut_is_not_gone_on_with() {
    let Some(broker) = Broker::start() else { return };
    for (change, says) in [
        ("cut", "begins at 6 now: the broker has removed"),
        ("fewer", "it has 1 partition(s), and the snapshot knows 2"),
        ("anew", "ends at 0: the topic was made anew"),
    ] {
        broker.create(change, 2, &[]);
        let out = format!("{change}-out");
        broker.create(&out, 1, &[]);
        let rows: Vec<_> = (0..3).map(|n| format!("{{\"n\":{n}}}")).collect();
        broker.write(change, rows.iter().map(|row| (0, "k", &**row)));
        let scan = "'format' = 'json', 'scan.startup.mode' = 'earliest-offset'";
        let job = Job::new(&format!(
            "SET 'snapshot.store' = 'store'; SET 'snapshot.interval' = '20ms';
             CREATE TABLE numbers (n INT) {};
             CREATE TABLE copies (n INT) {};
             INSERT INTO copies SELECT n FROM numbers;",
            with(&broker, change, scan),
            with(
                &broker,
                &out,
                "'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'c'"
            )
        ));
        let mut process = job.command(&[]).spawn().unwrap();
        let mut tries = 0;
        while broker.read(&out).len() < 3 {
            tries += 1;
            assert!(tries < 600, "{change}: no rows");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        match change {
            "cut" => {
                let more: Vec<_> = (3..6).map(|n| format!("{{\"n\":{n}}}")).collect();
                broker.write(change, more.iter().map(|row| (0, "k", &**row)));
                broker.truncate(change, 0, 6);
            }
            _ => {
                broker.delete(change);
                broker.create_when_gone(change, if change == "fewer" { 1 } else { 2 });
            }
        }
        let said = job.fails(&["--restore"]);
        assert!(said.contains(says), "{change}: {said}");
    }
}

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
fn a_new_partition_is_read_from_its_beginning_and_a_second_process_stops_the_first() {
    let Some(broker) = Broker::start() else { return };
    broker.create("in", 1, &[]);
    broker.create("out", 1, &[]);
    let job = |store: &str| {
        Job::new(&format!(
            "SET 'snapshot.store' = '{store}'; SET 'snapshot.interval' = '20ms';
             CREATE TABLE numbers (n INT) {};
             CREATE TABLE copies (n INT) {};
             INSERT INTO copies SELECT n FROM numbers;",
            with(
                &broker,
                "in",
                "'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.topic-partition-discovery.interval' = '100ms'"
            ),
            with(
                &broker,
                "out",
                "'format' = 'json', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'c'"
            )
        ))
    };
    let wait = |count: usize| {
        for _ in 0..600 {
            if broker.read("out").len() >= count {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(broker.read("out").len(), count);
    };
    let first = job("store");
    broker.write("in", [(0, "a", "{\"n\":0}")]);
    let process = first.command(&[]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait(1);
    broker.grow("in", 2);
    broker.write("in", [(1, "b", "{\"n\":1}")]);
    wait(2);
    // Another job with the same id: the first can not commit any more.
    let second = job("another");
    let mut other = second.command(&[]).stderr(std::process::Stdio::null()).spawn().unwrap();
    wait(4);
    broker.write("in", [(0, "c", "{\"n\":2}")]);
    let ended = process.wait_with_output().unwrap();
    assert!(!ended.status.success());
    assert!(
        stderr(&ended).contains("another process writes with this id now"),
        "{}",
        stderr(&ended)
    );
    wait(5);
    other.kill().unwrap();
    other.wait().unwrap();
}
