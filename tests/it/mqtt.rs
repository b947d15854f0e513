//! Topics of a real broker of MQTT, read and written by the real binary: see `scripts/mqtt.sh`.

mod story;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rumqttc::QoS;
use tempfile::TempDir;
use tidewire_tests::binary;
use tidewire_tests::mqtt::Broker;

use crate::journal::kept;

/// How often, with 1 ms between, something is waited for.
const TRIES: u32 = 60_000;

/// A job in a folder of its own.
struct Job {
    folder: TempDir,
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

    /// Starts it; what it says is kept.
    fn start(&self, arguments: &[&str], out: Stdio) -> Child {
        let said = File::create(self.path().join("said")).unwrap();
        let mut command = Command::new(binary());
        command.current_dir(self.path()).args(["run", "job.sql"]).args(arguments);
        command.stdin(Stdio::null()).stdout(out).stderr(said).spawn().unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path().join("said")).unwrap_or_default()
    }

    /// Runs it to its end, which is a good one.
    #[track_caller]
    fn ends(&self) {
        assert!(self.start(&[], Stdio::null()).wait().unwrap().success(), "{}", self.said());
    }

    /// What it says when it fails.
    #[track_caller]
    fn fails(&self) -> String {
        assert!(!self.start(&[], Stdio::null()).wait().unwrap().success(), "it ends well");
        self.said()
    }
}

/// Asks a job to end, and waits until it has: the rows that it has printed.
#[track_caller]
fn end(child: &mut Child, job: &Job) -> Vec<String> {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{}", job.said());
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Waits until the journal of a job has so many records.
#[track_caller]
fn until_kept(job: &Job, records: usize) {
    for _ in 0..TRIES {
        if kept(job.path()) >= records {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("no record {records}: {}", job.said());
}

fn with(url: &str, more: &str) -> String {
    format!("WITH ('connector' = 'mqtt', 'url' = '{url}', 'format' = 'json', {more})")
}

#[test]
#[ignore = "needs a broker: scripts/mqtt.sh"]
fn messages_are_rows_with_what_is_known_of_them_and_a_broker_that_comes_back_is_gone_on_with() {
    let Some(mut broker) = Broker::start() else { return };
    let job = Job::new(&format!(
        "CREATE TABLE numbers (n INT, topic STRING METADATA, site STRING METADATA FROM 'level.2',
           qos INT METADATA, kept BOOLEAN METADATA FROM 'retain', again BOOLEAN METADATA FROM 'duplicate',
           at TIMESTAMP_LTZ(3) METADATA FROM 'received') {};
         SELECT n, topic, site, qos, kept, again, at > TIMESTAMP '2020-01-01 00:00:00' FROM numbers;",
        with(
            &broker.url(),
            "'topic' = 'site/+/n; other/#', 'qos' = '2', 'client.id' = 'reader', 'journal.path' = 'journal'"
        )
    ));
    broker.publish(&[("site/a/n", "{\"n\": 1}")], QoS::AtLeastOnce, true);
    let mut child = job.start(&[], Stdio::piped());
    until_kept(&job, 1);
    broker.publish(&[("other", "{\"n\": 2}"), ("site/b/m", "{\"n\": 0}")], QoS::AtMostOnce, false);
    until_kept(&job, 2);
    // A message of QoS 2, and that it is released.
    broker.publish(&[("other/x", "{\"n\": 3}")], QoS::ExactlyOnce, false);
    until_kept(&job, 4);
    broker.stop();
    broker.start_again();
    broker.publish(&[("other/y", "{\"n\": 4}")], QoS::AtLeastOnce, false);
    until_kept(&job, 5);
    let rows = end(&mut child, &job);
    let expected = [
        "1,site/a/n,a,1,true,false,true",
        "2,other,,0,false,false,true",
        "3,other/x,x,2,false,false,true",
        "4,other/y,y,1,false,false,true",
    ];
    assert_eq!(rows, expected);
    assert!(job.said().contains("the connection was closed"), "{}", job.said());
}

#[test]
#[ignore = "needs a broker: scripts/mqtt.sh"]
fn rows_are_messages_of_one_topic_or_of_that_of_each_row() {
    let Some(broker) = Broker::start() else { return };
    let mut watch = broker.watch("out/#");
    for qos in ["0", "1", "2"] {
        let job = Job::new(&format!(
            "CREATE TABLE numbers (n BIGINT, ts TIMESTAMP_LTZ(3)) WITH ('connector' = 'filesystem', 'path' = 'in.csv', 'format' = 'csv');
             CREATE TABLE one (n BIGINT) {};
             CREATE TABLE each_its (n BIGINT, place STRING) {};
             INSERT INTO one SELECT n FROM numbers;
             INSERT INTO each_its SELECT n, 'out/' || CAST(n AS STRING) FROM numbers;",
            with(&broker.url(), &format!("'topic' = 'out/one', 'qos' = '{qos}'")),
            with(
                &broker.url(),
                &format!("'topic' = 'out/#', 'qos' = '{qos}', 'sink.topic-field' = 'place', 'client.id' = 'each'")
            ),
        ));
        let rows: String = (0..3_000).map(|n| format!("{n},2024-01-01 00:00:00.000Z\n")).collect();
        fs::write(job.path().join("in.csv"), rows).unwrap();
        job.ends();
        let seen = watch
            .next(6_000)
            .into_iter()
            .map(|message| (message.topic, String::from_utf8(message.payload.to_vec()).unwrap()));
        let (of_one, of_each): (Vec<_>, Vec<_>) = seen.partition(|(topic, _)| topic == "out/one");
        let one = |n| ("out/one".to_owned(), format!("{{\"n\":{n}}}"));
        assert!(of_one.into_iter().eq((0..3_000).map(one)), "qos {qos}");
        let each = |n| (format!("out/{n}"), format!("{{\"n\":{n},\"place\":\"out/{n}\"}}"));
        assert!(of_each.into_iter().eq((0..3_000).map(each)), "qos {qos}");
    }
}

#[test]
#[ignore = "needs a broker: scripts/mqtt.sh"]
fn what_a_broker_refuses_stops_the_job_and_is_said() {
    let Some(broker) = Broker::start() else { return };
    let job = |url: &str, more: &str| {
        let options = with(url, &format!("'topic' = 'a'{more}"));
        Job::new(&format!("CREATE TABLE numbers (n INT) {options}; SELECT n FROM numbers;"))
    };
    let refused = job(&broker.login_url(), "").fails();
    assert!(refused.contains("the broker refuses the connection: 'username'"), "{refused}");
    let guess = job(&broker.login_url(), ", 'username' = 'ann', 'password' = 'guess'").fails();
    assert!(guess.contains("the broker refuses"), "{guess}");
    broker.publish(&[("a", "{\"n\": 7}")], QoS::AtLeastOnce, true);
    let known = ", 'username' = 'ann', 'password' = 'secret', 'journal.path' = 'journal'";
    let known = job(&broker.login_url(), known);
    let mut child = known.start(&[], Stdio::piped());
    until_kept(&known, 1);
    assert_eq!(end(&mut child, &known), ["7"]);
    let bad = job(&broker.url(), ", 'client.id' = 'c'");
    broker.publish(&[("a", "{\"n\": ")], QoS::AtLeastOnce, true);
    let said = bad.fails();
    assert!(said.contains("topic 'a', record 0: no JSON object"), "{said}");
    assert!(said.contains("'on-error' = 'skip'"), "{said}");
    let nobody = job("mqtt://127.0.0.1:1", "").fails();
    assert!(nobody.contains("within 30 s: Connection refused"), "{nobody}");
}
