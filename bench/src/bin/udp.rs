//! Open-loop latency of datagrams, from the kernel's receive time to the result at the sink: a SQL job over a live line,
//! inline and on two cores, beside bare loops over the same socket, which only take the datagram.
//!
//! `cargo run --release -p tidewire-bench --bin udp`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used)]

use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use clap::Parser;
use hdrhistogram::Histogram;
use serde::Serialize;
use tidewire::event::Slot;
use tidewire::prelude::*;
use tidewire::runtime::clock::{Clock, MonotonicClock};
use tidewire::runtime::latency::histogram;
use tidewire::sql::{Columns, SqlJob, TableError, TableWriter};
use tidewire_bench::{QUANTILES, append, host, median, output};
use tidewire_feeds::itch::{Frame, LENGTH_BYTES, frame};
use tidewire_feeds::mold::PacketBuilder;
use tidewire_feeds::synth::Market;
use tidewire_udp::clock::unix_now_ns;
use tidewire_udp::{Receiver, Sender, Socket, SocketOptions};

#[derive(Parser)]
struct Arguments {
    /// Datagrams of each run, of a message each.
    #[arg(long, default_value_t = 100_000)]
    datagrams: u64,
    /// Datagrams per second.
    #[arg(long, default_value_t = 50_000.0)]
    rate: f64,
    /// Rounds: in each, every contestant runs once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

const SESSION: [u8; 10] = *b"BENCHMARK1";

/// The packets of a generated market, the end of the session last.
fn packets(count: u64) -> Vec<Vec<u8>> {
    let mut file = Vec::new();
    Market::new(1, 100, count).write_itch_file(&mut file).expect("memory can be written");
    let mut packet = PacketBuilder::new(SESSION, 1);
    let mut packets = Vec::new();
    let mut rest = &file[..];
    while let Frame::Message(message) = frame(rest) {
        assert!(packet.push(message));
        packets.push(packet.finish(<[u8]>::to_vec));
        rest = &rest[LENGTH_BYTES + message.len()..];
    }
    packets.push(packet.finish_session(<[u8]>::to_vec));
    packets
}

/// Sends each packet when it is due, once the receiver is there; the end until nobody is there any more.
fn send(packets: &[Vec<u8>], rate: f64, to: SocketAddrV4, is_done: impl Fn() -> bool) {
    let sender = Sender::open(to, None, 0).expect("a socket");
    let clock = MonotonicClock::start();
    let start = clock.now() + 200 * MILLISECOND;
    for (number, packet) in packets.iter().enumerate() {
        let due = start + (number as f64 / rate * SECOND as f64) as i64;
        // With fewer cores than threads the others need this one.
        while clock.now() < due {
            thread::yield_now();
        }
        sender.send(packet).expect("it is sent");
    }
    let end = packets.last().expect("there is an end");
    while !is_done() {
        sender.send(end).expect("it is sent");
        thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn free_address() -> SocketAddrV4 {
    open(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).address()
}

fn open(address: SocketAddrV4) -> Socket {
    Socket::open(&SocketOptions::new(address)).expect("a socket")
}

/// Runs `receive` while the packets are sent.
fn beside_sender(
    packets: &[Vec<u8>],
    rate: f64,
    receive: impl FnOnce(SocketAddrV4) -> Histogram<u64> + Send,
) -> Histogram<u64> {
    let address = free_address();
    thread::scope(|scope| {
        let receiver = scope.spawn(move || receive(address));
        send(packets, rate, address, || receiver.is_finished());
        receiver.join().expect("no panic")
    })
}

fn bare(packets: &[Vec<u8>], rate: f64, way: fn(Vec<Socket>) -> Receiver) -> Histogram<u64> {
    let count = packets.len();
    beside_sender(packets, rate, move |address| {
        let mut receiver = way(vec![open(address)]);
        let mut latencies = histogram();
        let mut taken = 0;
        while taken < count {
            let Some(datagram) = receiver.next().expect("it receives") else {
                spin_loop();
                continue;
            };
            latencies.saturating_record((unix_now_ns() - datagram.received).max(0) as u64);
            taken += 1;
        }
        latencies
    })
}

/// Notes for each row how long ago its datagram was received.
struct Ages(Slot, Arc<Mutex<Histogram<u64>>>);

impl TableWriter for Ages {
    fn row(&mut self, row: &[u8]) -> Result<(), TableError> {
        let Self(received, ages) = self;
        let age = unix_now_ns() - received.int(row);
        ages.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(age.max(0) as u64);
        Ok(())
    }

    fn prepare(&mut self, _: u64) -> Result<Option<Vec<u8>>, TableError> {
        Ok(None)
    }

    fn commit(&mut self, _: u64) -> Result<(), TableError> {
        Ok(())
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), TableError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TableError> {
        Ok(())
    }
}

fn job(packets: &[Vec<u8>], rate: f64, threads: Threads) -> Histogram<u64> {
    beside_sender(packets, rate, move |address| {
        let text = format!(
            "CREATE TABLE orders WITH ('connector' = 'udp', 'address' = '{address}', 'format' = 'itch', 'stream' = 'orders');
             SELECT ts_recv, symbol, order_id, price FROM orders WHERE action = 'ADD'"
        );
        let job = SqlJob::read(&text, &BTreeMap::new()).expect("the text is right");
        let ages = Arc::new(Mutex::new(histogram()));
        let writer = |columns: &Columns| -> Box<dyn TableWriter> {
            Box::new(Ages(columns.layout.slots()[0], Arc::clone(&ages)))
        };
        let options = Options { threads, ..Options::default() };
        job.run_shown(writer, &options, &mut Silent).expect("the job runs to its end");
        let ages = ages.lock().unwrap_or_else(PoisonError::into_inner);
        ages.clone()
    })
}

#[derive(Serialize)]
struct Line<'a> {
    commit: String,
    host: String,
    comparison: &'a str,
    contestant: &'a str,
    rate: f64,
    p50_p90_p99_p999_p9999_max_ns: Vec<f64>,
}

type Contestant = fn(&[Vec<u8>], f64) -> Histogram<u64>;

fn main() {
    let arguments = Arguments::parse();
    let packets = packets(arguments.datagrams);
    let contestants: [(&str, Contestant); 4] = [
        ("bare, system calls", |packets, rate| bare(packets, rate, Receiver::plain)),
        ("bare, io_uring", |packets, rate| bare(packets, rate, Receiver::new)),
        ("job, inline", |packets, rate| job(packets, rate, Threads::Inline)),
        ("job, two cores", |packets, rate| job(packets, rate, Threads::Shards(1))),
    ];
    let mut found = contestants.map(|_| vec![Vec::new(); QUANTILES.len()]);
    for _ in 0..arguments.rounds {
        for ((_, contestant), found) in contestants.iter().zip(&mut found) {
            let latencies = contestant(&packets, arguments.rate);
            for ((_, quantile), values) in QUANTILES.iter().zip(found) {
                values.push(latencies.value_at_quantile(*quantile) as f64);
            }
        }
    }
    println!(
        "kernel receive to result, {} datagrams at {}/s; median of {} rounds, ns",
        arguments.datagrams, arguments.rate, arguments.rounds
    );
    print!("  {:<20}", "");
    QUANTILES.iter().for_each(|(name, _)| print!(" {name:>10}"));
    println!();
    for ((name, _), found) in contestants.iter().zip(found) {
        let medians: Vec<_> = found.iter().map(|values| median(values)).collect();
        print!("  {name:<20}");
        medians.iter().for_each(|value| print!(" {value:>10.0}"));
        println!();
        append(&Line {
            commit: output("git", &["rev-parse", "--short", "HEAD"]),
            host: host(),
            comparison: "kernel receive to result",
            contestant: name,
            rate: arguments.rate,
            p50_p90_p99_p999_p9999_max_ns: medians,
        });
    }
}
