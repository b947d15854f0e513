//! Topics of a real broker of MQTT, read and written by the real binary: see `scripts/mqtt.sh`.

mod story;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rumqttc::QoS;
use tempfile::TempDir;
use tidewire_tests::binary;
use tidewire_tests::mqtt::Broker;

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

/// Asks a job to end, and waits until it has.
#[track_caller]
fn end(child: &mut Child, job: &Job) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success(), "{}", job.said());
}

/// The next lines that a job prints.
fn lines(out: &mut BufReader<ChildStdout>, count: usize) -> Vec<String> {
    let next = |_| {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "the job has ended");
        line.trim_end().to_owned()
    };
    (0..count).map(next).collect()
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
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(lines(&mut out, 2)[1], "1,site/a/n,a,1,true,false,true");
    broker.publish(&[("other", "{\"n\": 2}"), ("site/b/m", "{\"n\": 0}")], QoS::AtMostOnce, false);
    assert_eq!(lines(&mut out, 1), ["2,other,,0,false,false,true"]);
    broker.publish(&[("other/x", "{\"n\": 3}")], QoS::ExactlyOnce, false);
    assert_eq!(lines(&mut out, 1), ["3,other/x,x,2,false,false,true"]);
    broker.stop();
    broker.start_again();
    broker.publish(&[("other/y", "{\"n\": 4}")], QoS::AtLeastOnce, false);
    assert_eq!(lines(&mut out, 1), ["4,other/y,y,1,false,false,true"]);
    end(&mut child, &job);
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
        let mut seen: Vec<_> = watch
            .next(6_000)
            .into_iter()
            .map(|message| (message.topic, String::from_utf8(message.payload.to_vec()).unwrap()))
            .collect();
        let of_one: Vec<_> = seen.iter().filter(|(topic, _)| topic == "out/one").collect();
        assert!(
            of_one.iter().map(|(_, text)| text.as_str()).eq((0..3_000)
                .map(|n| format!("{{\"n\":{n}}}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str))
        );
        seen.retain(|(topic, _)| topic != "out/one");
        for (n, (topic, text)) in seen.iter().enumerate() {
            assert_eq!(*topic, format!("out/{n}"));
            assert_eq!(*text, format!("{{\"n\":{n},\"place\":\"out/{n}\"}}"));
        }
        assert_eq!(seen.len(), 3_000);
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
    let known = job(&broker.login_url(), ", 'username' = 'ann', 'password' = 'secret'");
    let mut child = known.start(&[], Stdio::piped());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(lines(&mut out, 2)[1], "7");
    end(&mut child, &known);
    let bad = job(&broker.url(), ", 'client.id' = 'c'");
    broker.publish(&[("a", "{\"n\": ")], QoS::AtLeastOnce, true);
    let said = bad.fails();
    assert!(said.contains("topic 'a', record 0: no JSON object"), "{said}");
    assert!(said.contains("'on-error' = 'skip'"), "{said}");
    let nobody = job("mqtt://127.0.0.1:1", "").fails();
    assert!(nobody.contains("within 30 s: Connection refused"), "{nobody}");
}
