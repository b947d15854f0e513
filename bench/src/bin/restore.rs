//! How long a job with 1 GiB of state takes from its start to its first event: from a folder, where the state is mapped,
//! and from an S3 server in this process, beside a plain parallel download of the same bytes.
//!
//! The files are in the page cache, in both cases.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use clap::Parser;
use tidewire::prelude::*;
use tidewire::runtime::Snapshots;
use tidewire_bench::wide::{Count, Nowhere};
use tidewire_s3::{S3Options, S3Store};
use tidewire_snapshot::{DirStore, Job, Manifest, Store, catalog};
use tidewire_tests::s3;

/// Time from start to the first event.
#[derive(Parser)]
struct Arguments {
    /// Keys; 8 million lie in 1 GiB of slots.
    #[arg(long, default_value_t = 8_000_000)]
    keys: u64,
    /// Rounds of each kind.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where snapshots go; the folder is removed at the end.
    #[arg(long, default_value = "target/restore")]
    folder: PathBuf,
    /// Leave S3 out.
    #[arg(long)]
    local: bool,
}

/// Every key once, then some keys again and again; then the process is as good as killed.
struct Keys {
    next: u64,
    end: u64,
    keys: u64,
    first: Arc<Mutex<Option<Instant>>>,
}

impl Source for Keys {
    type Event = u64;
    type Error = io::Error;

    fn next(&mut self) -> Result<Polled<u64>, io::Error> {
        self.first.lock().expect("one thread").get_or_insert_with(Instant::now);
        if self.next >= self.end {
            return Err(io::Error::other("killed"));
        }
        let n = if self.next < self.keys { self.next } else { self.next % 1_000 };
        self.next += 1;
        let ts = self.next as i64;
        let event = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Ok(Polled::Event(Stamped::new(ts, event)))
    }

    fn seek(&mut self, events: u64) -> Result<u64, io::Error> {
        self.next = events;
        Ok(events)
    }
}

/// Runs the job until it is killed: ms from its start to its first event.
fn run(store: Arc<dyn Store>, keys: u64, end: u64, restore: bool, scratch: &Path) -> f64 {
    let first = Arc::new(Mutex::new(None));
    let job = Job { fingerprint: "restore".to_owned(), description: Default::default() };
    let mut snapshots = Snapshots::new(store, job);
    snapshots.restore = restore;
    snapshots.scratch = scratch.to_owned();
    let options = Options {
        threads: Threads::Inline,
        rate: if restore { Rate::Max } else { Rate::PerSecond(1_000_000.0) },
        snapshots: Some(snapshots),
        ..Options::default()
    };
    let begin = Instant::now();
    let killed = stream(Keys { next: 0, end, keys, first: Arc::clone(&first) })
        .watermark(|| Bounded::new(i64::MAX / 2))
        .key_by(|key: &u64| *key)
        .window(Tumbling::new(i64::MAX / 4).expect("a size"))
        .aggregate(Count)
        .run(Nowhere, &options, &mut Silent);
    if let Err(error) = &killed
        && error.to_string() != "killed"
    {
        println!("  {error}");
    }
    let first = first.lock().expect("one thread").expect("a first event");
    (first - begin).as_secs_f64() * 1e3
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    println!("  {of:.1?}");
    of[of.len() / 2]
}

fn main() {
    let Arguments { keys, rounds, folder, local } = Arguments::parse();
    let _ = fs::remove_dir_all(&folder);
    let snapshots = folder.join(s3::BUCKET).join("snapshots");
    let store: Arc<dyn Store> = Arc::new(DirStore::open(&snapshots).expect("a folder"));
    println!("a snapshot of {keys} keys...");
    run(Arc::clone(&store), keys, keys + 12_000_000, false, &folder);
    let found = catalog::snapshots(&*store).expect("a list");
    let newest = found[0].manifest.as_ref().expect("a manifest");
    let base = newest.shards[0].base.clone().expect("a base");
    let bytes: u64 = newest.objects().map(|object| object.bytes).sum();
    println!(
        "epoch {}: {} MiB in {} objects, of which the base {} MiB",
        newest.epoch,
        bytes >> 20,
        newest.objects().count(),
        base.bytes >> 20
    );
    println!("from the folder to the first event, ms");
    let restores = (0..rounds).map(|_| run(Arc::clone(&store), keys, 0, true, &folder)).collect();
    println!("  median {:.1}", median(restores));
    if !local {
        from_s3(&folder, keys, rounds, newest);
    }
    let _ = fs::remove_dir_all(&folder);
}

fn from_s3(folder: &Path, keys: u64, rounds: usize, newest: &Manifest) {
    // The server keeps a bucket as a folder and an object as a file: it finds the snapshots where they are.
    let server = s3::serve(folder).expect("a server");
    let options = S3Options {
        endpoint: Some(server.endpoint().to_owned()),
        credentials: Some((s3::ACCESS_KEY_ID.to_owned(), s3::SECRET_ACCESS_KEY.to_owned())),
        region: Some(s3::REGION.to_owned()),
        ..S3Options::default()
    };
    let store: Arc<dyn Store> = Arc::new(
        S3Store::open_with(&format!("s3://{}/snapshots", s3::BUCKET), &options).expect("a store"),
    );
    let (mut plain, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begin = Instant::now();
        for object in newest.objects() {
            store.fetch(&object.name, folder).expect("a fetch").expect("the object");
        }
        plain.push(begin.elapsed().as_secs_f64() * 1e3);
        whole.push(run(Arc::clone(&store), keys, 0, true, folder));
    }
    println!("from S3: a plain parallel download, ms");
    let plain = median(plain);
    println!("from S3 to the first event, ms");
    let whole = median(whole);
    println!("  medians {plain:.1} and {whole:.1}: {:.2}x", whole / plain);
}
