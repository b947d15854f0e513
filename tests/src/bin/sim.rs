//! Simulates jobs under faults: `sim SEED`, or `sim --seeds N [--from SEED] [--broken PROTOCOL]`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

use std::error::Error;

use tidewire_tests::sim::{self, Broken, Report};

const USAGE: &str = "sim SEED, or sim --seeds N [--from SEED]; and --broken PROTOCOL";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut seeds, mut from, mut broken) = (1_u64, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--seeds" => (seeds, from) = (value()?.parse()?, from.or(Some(0))),
            "--from" => from = Some(value()?.parse()?),
            "--broken" => broken = Some(value()?.parse::<Broken>()?),
            seed => from = Some(seed.parse().map_err(|_| USAGE)?),
        }
    }
    let from: u64 = from.ok_or(USAGE)?;
    let mut sum = Report::default();
    for seed in from..from.saturating_add(seeds) {
        match sim::run(seed, broken) {
            Ok(report) => sum.add(&report),
            Err(failure) => {
                println!("{failure}");
                std::process::exit(1);
            }
        }
    }
    println!("seeds {from} to {}: {sum}", from.saturating_add(seeds) - 1);
    Ok(())
}
