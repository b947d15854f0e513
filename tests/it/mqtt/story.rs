//! The fraud job on topics, killed again and again, with a broker that is stopped twice: its alerts are those of the same
//! job on a file of what was published, each once.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use rumqttc::QoS;
use tidewire_tests::dice::Dice;
use tidewire_tests::mqtt::Broker;

use super::Job;
use crate::journal::kept;

const USERS: u64 = 40;
/// Purchases between two kills.
const BATCH: u64 = 400;
/// Purchases are out of order by less than this, s.
const DISORDER_S: u64 = 4;
/// How often, with 1 ms between, something is waited for.
const TRIES: u32 = 120_000;

fn job(purchases: &str, snapshots: &str) -> Job {
    Job::new(&format!(
        "{snapshots}
         CREATE TABLE purchases (user_id STRING, amount DECIMAL(12, 2), ts TIMESTAMP_LTZ(3),
           WATERMARK FOR ts AS ts - INTERVAL '{DISORDER_S}' SECOND) WITH ({purchases}, 'format' = 'json');
         CREATE TABLE alerts (user_id STRING, ts TIMESTAMP_LTZ(3), total DECIMAL(12, 2))
           WITH ('connector' = 'filesystem', 'path' = 'out/', 'format' = 'csv');
         INSERT INTO alerts SELECT user_id, ts, total FROM (
           SELECT *, SUM(amount) OVER (PARTITION BY user_id ORDER BY ts
             RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS total FROM purchases)
         WHERE total > 10000;"
    ))
}

fn purchase(user: &str, amount: &str, ts: &str) -> String {
    format!("{{\"user_id\":\"{user}\",\"amount\":{amount},\"ts\":\"{ts}\"}}")
}

/// Purchases from `from` on; one in ten is published twice.
fn purchases(dice: &mut Dice, from: u64) -> Vec<String> {
    let mut batch = Vec::new();
    for n in from..from + BATCH {
        let second = (n / 4 + DISORDER_S).saturating_sub(dice.below(DISORDER_S));
        let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
        let user = format!("user{}", dice.below(USERS));
        let amount = format!("{}.{:02}", dice.below(2_500), dice.below(100));
        batch.push(purchase(&user, &amount, &format!("2024-05-01 {h:02}:{m:02}:{s:02}Z")));
        if dice.below(10) == 0 {
            batch.extend(batch.last().cloned());
        }
    }
    batch
}

fn publish(broker: &Broker, batch: &[String], qos: QoS) {
    let shop = |at: usize| ["shop/north/purchases", "shop/south/purchases"][at % 2];
    let messages: Vec<_> = batch.iter().enumerate().map(|(at, it)| (shop(at), &**it)).collect();
    broker.publish(&messages, qos, false);
}

fn start(job: &Job, shards: u64) -> Child {
    job.start(&["--restore", "--shards", &shards.to_string()], Stdio::null())
}

/// Waits until `is_so`, while the job runs.
fn wait(process: &mut Child, job: &Job, what: &str, is_so: impl Fn(&Path) -> bool) {
    for _ in 0..TRIES {
        if is_so(job.path()) {
            return;
        }
        assert!(process.try_wait().unwrap().is_none(), "{what}: it has ended: {}", job.said());
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{what}: {}", job.said());
}

/// What can be seen of the output: the parts of snapshots that are durable, in the order of their names.
fn rows(folder: &Path) -> String {
    let Ok(parts) = fs::read_dir(folder.join("out")) else { return String::new() };
    let paths = parts.flatten().map(|part| part.path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension() == Some("csv".as_ref())).collect();
    paths.sort();
    // One may be gone by now: a job that goes on removes what no snapshot has.
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
}

/// `scale` is a part of the kills that the script asks for.
#[allow(clippy::print_stderr)]
fn killed(qos: QoS, scale: u64, mode: &str) {
    let Some(mut broker) = Broker::start() else { return };
    let kills = std::env::var("KILLS").ok().and_then(|it| it.parse::<u64>().ok()).unwrap_or(5);
    let kills = (kills / scale).max(2);
    let level = qos as u8;
    // It is retained: a job that subscribes a second time has it a second time, and an alert.
    let first = purchase("first", "6000", "2024-05-01 00:00:00Z");
    broker.publish(&[("shop/north/purchases", &first)], qos, true);
    let mut published = vec![first];
    let disturbed = job(
        &format!(
            "'connector' = 'mqtt', 'url' = '{}', 'topic' = 'shop/+/purchases', 'qos' = '{level}', 'client.id' = 'fraud',
             'journal.path' = 'journal', 'journal.mode' = '{mode}'",
            broker.url()
        ),
        "SET 'snapshot.store' = 'store'; SET 'snapshot.interval' = '50ms';",
    );
    let mut dice = Dice::new(11);
    let mut process = start(&disturbed, 1);
    wait(&mut process, &disturbed, "nothing is received", |folder| kept(folder) > 0);
    for kill in 0..kills {
        let batch = purchases(&mut dice, kill * BATCH);
        let before = kept(disturbed.path()) as u64;
        let enough = (before + 1 + dice.below(BATCH)) as usize;
        thread::scope(|scope| {
            let publisher = scope.spawn(|| publish(&broker, &batch, qos));
            if kill != kills / 3 {
                wait(&mut process, &disturbed, "the journal does not grow", |folder| {
                    kept(folder) >= enough
                });
                process.kill().unwrap();
            }
            publisher.join().unwrap();
        });
        if kill == kills / 3 {
            // The job outlives it.
            broker.stop();
            broker.start_again();
            wait(&mut process, &disturbed, "the journal does not grow", |folder| {
                kept(folder) >= enough
            });
            process.kill().unwrap();
        }
        process.wait().unwrap();
        if kill == kills * 2 / 3 {
            broker.stop();
            broker.start_again();
        }
        published.extend(batch);
        process = start(&disturbed, dice.below(3));
    }
    let last = [
        purchase("last", "20000", "2024-06-01 00:00:00Z"),
        purchase("nobody", "1", "2024-07-01 00:00:00Z"),
    ];
    publish(&broker, &last, qos);
    published.extend(last);
    wait(&mut process, &disturbed, "no last alert", |folder| rows(folder).contains("last"));
    process.kill().unwrap();
    process.wait().unwrap();
    let records = kept(disturbed.path());

    let undisturbed = job("'connector' = 'filesystem', 'path' = 'purchases.jsonl'", "");
    fs::write(undisturbed.path().join("purchases.jsonl"), published.join("\n")).unwrap();
    undisturbed.ends();
    let (found, expected) = (rows(disturbed.path()), rows(undisturbed.path()));
    let alerts = expected.lines().count();
    assert!(alerts as u64 > kills * 20, "too few alerts: {alerts}");
    assert!(
        found == expected,
        "{} alerts, {alerts} expected, of {} messages and {records} records: {}",
        found.lines().count(),
        published.len(),
        disturbed.said()
    );
    eprintln!(
        "qos {level}, {mode}: {kills} kills, 2 restarts of the broker, {} messages, {alerts} alerts, each once",
        published.len()
    );
}

#[test]
#[ignore = "needs a broker: scripts/mqtt.sh"]
fn what_is_killed_alerts_as_if_it_had_not_been() {
    killed(QoS::AtLeastOnce, 1, "async");
}

#[test]
#[ignore = "needs a broker: scripts/mqtt.sh"]
fn the_same_where_the_disk_has_each_message_first() {
    killed(QoS::AtLeastOnce, 3, "sync");
}

#[test]
#[ignore = "needs a broker: scripts/mqtt.sh"]
fn the_same_at_qos_2() {
    killed(QoS::ExactlyOnce, 2, "async");
}
