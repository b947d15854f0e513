//! Topics of a real broker, read and written by the real binary: see `scripts/kafka.sh`.

mod story;

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
