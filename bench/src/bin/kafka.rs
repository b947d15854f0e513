//! Topics of Kafka: JSON rows that are read beside a bare consumer of the same topic, and the time from a message to its
//! alert beside a bare loop that consumes and produces.
//!
//! `TIDEWIRE_KAFKA_JARS=... cargo run --release -p tidewire-bench --bin kafka [MESSAGES]`: `scripts/kafka.sh` fetches the
//! jars. The broker is on the same host, and takes its share of the cores.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde::Serialize;
use tidewire::runtime::Silent;
use tidewire::sql::SqlJob;
use tidewire_bench::{Comparison, append, host, output};
use tidewire_tests::binary;
use tidewire_tests::kafka::Broker;

const ROUNDS: usize = 5;
const MESSAGES: u64 = 1_000_000;
/// Of the latencies: messages a second, in turn, and for how many seconds each.
const RATES: [u64; 2] = [500, 2_000];
const SECONDS: u64 = 10;
const LATENCY_ROUNDS: usize = 4;
/// Seconds before what is measured.
const WARM_SECONDS: u64 = 1;

fn main() {
    let messages =
        std::env::args().nth(1).map_or(MESSAGES, |it| it.parse().expect("a number of messages"));
    let Some(broker) = Broker::start() else { return };
    throughput(&broker, messages);
    for rate in RATES {
        latency(&broker, rate);
    }
}

fn throughput(broker: &Broker, messages: u64) {
    broker.create("events", 1, &[]);
    let producer: BaseProducer = broker.client().create().expect("a client");
    for number in 0..messages {
        let value = format!(
            "{{\"user_id\":\"user{}\",\"amount\":{}.25,\"ts\":\"2024-05-01 10:00:00Z\"}}",
            number % 1_000,
            number % 5_000
        );
        send(&producer, "events", &value);
    }
    producer.flush(Duration::from_secs(120)).expect("the broker takes them");
    let address = broker.address();
    let text = format!(
        "CREATE TABLE events (user_id STRING, amount DECIMAL(12, 2), ts TIMESTAMP_LTZ(3)) WITH (
           'connector' = 'kafka', 'topic' = 'events', 'properties.bootstrap.servers' = '{address}', 'format' = 'json',
           'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
         CREATE TABLE nowhere (user_id STRING, amount DECIMAL(12, 2), ts TIMESTAMP_LTZ(3)) WITH ('connector' = 'blackhole');
         INSERT INTO nowhere SELECT * FROM events;"
    );
    Comparison::new("a topic of JSON", messages)
        .contestant("bare consumer, nothing decoded", || {
            let consumer = consumer(broker, "events", Offset::Beginning);
            let mut count = 0;
            while count < messages {
                if consumer.poll(Duration::from_secs(10)).is_some_and(|message| message.is_ok()) {
                    count += 1;
                }
            }
            count
        })
        .contestant("a job that reads rows", || {
            let job = SqlJob::read(&text, &Default::default()).expect("the job is right");
            job.run(&Default::default(), &mut Silent).expect("it runs").rows_written
        })
        .run(ROUNDS);
}

fn send(producer: &BaseProducer, topic: &str, value: &str) {
    let mut record = BaseRecord::<str, str>::to(topic).payload(value);
    while let Err((_, back)) = producer.send(record) {
        producer.poll(Duration::from_millis(1));
        record = back;
    }
    producer.poll(Duration::ZERO);
}

fn consumer(broker: &Broker, topic: &str, from: Offset) -> BaseConsumer {
    let mut config: ClientConfig = broker.client();
    config.set("group.id", "bench").set("enable.auto.commit", "false");
    config.set("fetch.queue.backoff.ms", "10");
    let consumer: BaseConsumer = config.create().expect("a client");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, from).expect("an offset");
    consumer.assign(&list).expect("it is assigned");
    consumer
}

#[derive(Serialize)]
struct Line<'a> {
    commit: String,
    host: String,
    comparison: &'a str,
    contestant: &'a str,
    messages_per_second: u64,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    p50_ratio: f64,
    p99_ratio: f64,
}

/// Messages at a fixed rate, by a bare loop and by a job in turns; the times run from when each was due.
fn latency(broker: &Broker, rate: u64) {
    let mut all = [new(), new()];
    for round in 0..=LATENCY_ROUNDS {
        // Whoever is first in one round is second in the next.
        for number in [round % 2, (round + 1) % 2] {
            let (from, to) =
                (format!("from-{rate}-{round}-{number}"), format!("to-{rate}-{round}-{number}"));
            broker.create(&from, 1, &[]);
            broker.create(&to, 1, &[]);
            let measured = match number {
                0 => beside_bare_loop(broker, rate, (&from, &to)),
                _ => beside_job(broker, rate, (&from, &to)),
            };
            // A broker that has just started is slow.
            if round > 0 {
                all[number].add(measured).expect("of one kind");
            }
        }
    }
    println!("\nfrom a message to its alert, {rate}/s, from when it was due (us)");
    let us = |times: &Histogram<u64>, quantile| times.value_at_quantile(quantile) as f64 / 1e3;
    let (p50, p99) = (us(&all[0], 0.5), us(&all[0], 0.99));
    for (contestant, times) in
        ["bare consume and produce", "a job, at least once"].into_iter().zip(&all)
    {
        let line = Line {
            commit: output("git", &["rev-parse", "--short", "HEAD"]),
            host: host(),
            comparison: "from a message to its alert",
            contestant,
            messages_per_second: rate,
            p50_us: us(times, 0.5),
            p99_us: us(times, 0.99),
            p999_us: us(times, 0.999),
            max_us: times.max() as f64 / 1e3,
            p50_ratio: us(times, 0.5) / p50,
            p99_ratio: us(times, 0.99) / p99,
        };
        println!(
            "  {contestant:<26} p50 {:>8.0}  p99 {:>8.0}  p99.9 {:>8.0}  max {:>8.0}   {:.2}x at p50, {:.2}x at p99",
            line.p50_us, line.p99_us, line.p999_us, line.max_us, line.p50_ratio, line.p99_ratio
        );
        append(&line);
    }
}

fn new() -> Histogram<u64> {
    Histogram::new(3).expect("three digits")
}

fn beside_bare_loop(broker: &Broker, rate: u64, (from, to): (&str, &str)) -> Histogram<u64> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let consumer = consumer(broker, from, Offset::Beginning);
            let producer: BaseProducer = broker
                .client()
                .set("linger.ms", "0")
                .set("enable.idempotence", "true")
                .create()
                .expect("a client");
            while !stop.load(Relaxed) {
                if let Some(Ok(message)) = consumer.poll(Duration::from_millis(10)) {
                    let text = String::from_utf8_lossy(message.payload().expect("a value"));
                    send(&producer, to, &text);
                }
            }
        });
        let times = measure(broker, rate, (from, to));
        stop.store(true, Relaxed);
        times
    })
}

/// Ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn beside_job(broker: &Broker, rate: u64, (from, to): (&str, &str)) -> Histogram<u64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let path = folder.join(format!("{from}.sql"));
    let table = |name: &str, topic: &str| {
        format!(
            "CREATE TABLE {name} (n BIGINT, due BIGINT) WITH ('connector' = 'kafka', 'topic' = '{topic}',
               'properties.bootstrap.servers' = '{}', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');",
            broker.address()
        )
    };
    let insert = "INSERT INTO alerts SELECT n, due FROM events WHERE n >= 0;";
    let text = format!("{}{}{insert}", table("events", from), table("alerts", to));
    std::fs::write(&path, text).expect("the job's text");
    let mut job = Command::new(binary());
    job.arg("run").arg(&path).args(["--shards", "0"]).stdout(Stdio::null()).stderr(Stdio::null());
    let _running = Running(job.spawn().expect("it starts"));
    measure(broker, rate, (from, to))
}

/// Sends at the rate, and takes the time of what comes back.
fn measure(broker: &Broker, rate: u64, (from, to): (&str, &str)) -> Histogram<u64> {
    let alerts = consumer(broker, to, Offset::Beginning);
    let producer: BaseProducer = broker.client().set("linger.ms", "0").create().expect("a client");
    // Whoever answers is there when the first comes back.
    send(&producer, from, "{\"n\":0,\"due\":0}");
    while alerts.poll(Duration::from_secs(60)).expect("an answer").is_err() {}
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..rate * SECONDS {
                let due = Duration::from_nanos(number * 1_000_000_000 / rate);
                while let Some(left) = due.checked_sub(start.elapsed()) {
                    thread::sleep(left);
                }
                send(&producer, from, &format!("{{\"n\":{number},\"due\":{}}}", due.as_nanos()));
            }
            producer.flush(Duration::from_secs(60)).expect("the broker takes them");
        });
        let mut times = new();
        for number in 0..rate * SECONDS {
            let message = loop {
                if let Ok(message) = alerts.poll(Duration::from_secs(60)).expect("an answer") {
                    break message;
                }
            };
            let text = String::from_utf8_lossy(message.payload().expect("a value"));
            let due = text.rsplit(':').next().and_then(|it| it.trim_end_matches('}').parse().ok());
            let late = start.elapsed().saturating_sub(Duration::from_nanos(due.expect("its time")));
            if number >= rate * WARM_SECONDS {
                times.record(late.as_nanos() as u64).expect("a time");
            }
        }
        times
    })
}
