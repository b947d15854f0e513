//! The fraud job from topic to topic, killed again and again, with a broker that dies and comes back: the alerts are those
//! of a run that nobody disturbs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use tidewire_tests::dice::Dice;
use tidewire_tests::kafka::Broker;

use super::{Job, with};

const PARTITIONS: i32 = 3;
const USERS: u64 = 40;
/// Purchases between two kills.
const BATCH: u64 = 400;
/// Purchases are out of order by less than this, s.
const DISORDER_S: u64 = 4;
/// How often, with 100 ms between, an end is waited for.
const TRIES: u32 = 900;

fn job(broker: &Broker, alerts: &str, scan: &str) -> String {
    format!(
        "SET 'snapshot.store' = 'store'; SET 'snapshot.interval' = '50ms';
         CREATE TABLE purchases (user_id STRING, amount DECIMAL(12, 2), ts TIMESTAMP_LTZ(3),
           WATERMARK FOR ts AS ts - INTERVAL '{DISORDER_S}' SECOND) {};
         CREATE TABLE alerts (user_id STRING, ts TIMESTAMP_LTZ(3), total DECIMAL(12, 2)) {};
         INSERT INTO alerts SELECT user_id, ts, total FROM (
           SELECT *, SUM(amount) OVER (PARTITION BY user_id ORDER BY ts
             RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS total FROM purchases)
         WHERE total > 10000;",
        with(broker, "purchases", &format!("'format' = 'json', 'scan.startup.mode' = 'earliest-offset', {scan}")),
        with(
            broker,
            alerts,
            "'format' = 'json', 'key.fields' = 'user_id', 'sink.delivery-guarantee' = 'exactly-once',
             'sink.transactional-id-prefix' = 'fraud'"
        ),
    )
}

/// Purchases from `from` on, with their users.
fn purchases(dice: &mut Dice, from: u64) -> Vec<(String, String)> {
    let one = |n: u64| {
        let user = format!("user{}", dice.below(USERS));
        let second = (n / 4 + DISORDER_S).saturating_sub(dice.below(DISORDER_S));
        let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
        let (whole, cents) = (dice.below(2_500), dice.below(100));
        let value = format!(
            "{{\"user_id\":\"{user}\",\"amount\":{whole}.{cents:02},\"ts\":\"2024-05-01 {h:02}:{m:02}:{s:02}Z\"}}"
        );
        (user, value)
    };
    (from..from + BATCH).map(one).collect()
}

fn alerts(broker: &Broker, topic: &str) -> Vec<String> {
    let mut alerts: Vec<_> = broker.read(topic).into_iter().map(|seen| seen.value).collect();
    alerts.sort();
    alerts
}

/// What differs, for people.
fn difference(found: &[String], expected: &[String]) -> String {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    found.iter().for_each(|it| *counts.entry(it).or_default() += 1);
    expected.iter().for_each(|it| *counts.entry(it).or_default() -= 1);
    let mut text = format!("{} alerts, {} expected\n", found.len(), expected.len());
    for (alert, count) in counts.into_iter().filter(|(_, count)| *count != 0).take(20) {
        let _ = writeln!(text, "{count:+} {alert}");
    }
    text
}

fn start(job: &Job, is_first: bool, shards: u64) -> Child {
    let shards = shards.to_string();
    let mut arguments = vec!["--shards", &shards];
    if !is_first {
        arguments.push("--restore");
    }
    let said = std::fs::File::create(job.path().join("said")).unwrap();
    job.command(&arguments).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

fn said(job: &Job) -> String {
    std::fs::read_to_string(job.path().join("said")).unwrap_or_default()
}

#[test]
#[ignore = "needs a broker: scripts/kafka.sh"]
#[allow(clippy::print_stderr)]
fn what_is_killed_alerts_as_if_it_had_not_been() {
    let Some(mut broker) = Broker::start() else { return };
    let kills: u64 = std::env::var("KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(5);
    for (topic, partitions) in [("purchases", PARTITIONS), ("alerts", 2), ("undisturbed", 2)] {
        broker.create(topic, partitions, &[]);
    }
    let mut dice = Dice::new(11);
    let disturbed = Job::new(&job(&broker, "alerts", "'scan.bounded.mode' = 'unbounded'"));
    let mut process = start(&disturbed, true, 1);
    for kill in 0..kills {
        let batch = purchases(&mut dice, kill * BATCH);
        broker.write("purchases", batch.iter().map(|(user, value)| (-1, &**user, &**value)));
        thread::sleep(Duration::from_millis(dice.below(1_500)));
        assert!(
            process.try_wait().unwrap().is_none(),
            "kill {kill}: it has ended: {}",
            said(&disturbed)
        );
        if kill == kills / 3 {
            broker.stop();
            broker.start_again();
        } else if kill == kills * 2 / 3 {
            broker.kill();
            broker.start_again();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        process = start(&disturbed, false, dice.below(3));
    }
    // Nothing of this is an alert; it lets the windows before it be complete.
    let last = r#"{"user_id":"nobody","amount":1,"ts":"2024-06-01 00:00:00Z"}"#;
    broker.write("purchases", (0..PARTITIONS).map(|partition| (partition, "nobody", last)));

    let undisturbed =
        Job::new(&job(&broker, "undisturbed", "'scan.bounded.mode' = 'latest-offset'"));
    undisturbed.shows(&["--shards", "0"]);
    let expected = alerts(&broker, "undisturbed");
    assert!(expected.len() as u64 > kills * 20, "too few alerts: {}", expected.len());

    let mut found = Vec::new();
    for _ in 0..TRIES {
        assert!(process.try_wait().unwrap().is_none(), "it has ended: {}", said(&disturbed));
        found = alerts(&broker, "alerts");
        if found.len() >= expected.len() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(found == expected, "{}{}", difference(&found, &expected), said(&disturbed));
    // A restore writes nothing a second time.
    let mut process = start(&disturbed, false, 1);
    let more = r#"{"user_id":"late","amount":20000,"ts":"2024-07-01 00:00:00Z"}"#;
    let end = r#"{"user_id":"nobody","amount":1,"ts":"2024-08-01 00:00:00Z"}"#;
    broker.write("purchases", [(0, "late", more)]);
    broker.write("purchases", (0..PARTITIONS).map(|partition| (partition, "nobody", end)));
    for _ in 0..TRIES {
        assert!(process.try_wait().unwrap().is_none(), "it has ended: {}", said(&disturbed));
        found = alerts(&broker, "alerts");
        if found.len() > expected.len() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let before: Vec<_> = found.iter().filter(|it| !it.contains("\"late\"")).cloned().collect();
    assert!(before == expected, "{}", difference(&before, &expected));
    assert_eq!(found.len(), expected.len() + 1);
    eprintln!("{kills} kills, 2 restarts of the broker, {} alerts, each once", expected.len());
}
