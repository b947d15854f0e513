//! The simulator over many seeds, and a test of it: every broken protocol is found.

use tidewire_tests::sim::{self, Broken, Report};

const SEEDS: u64 = 300;

#[test]
fn jobs_under_faults_keep_their_promises() {
    let mut sum = Report::default();
    for seed in 0..SEEDS {
        match sim::run(seed, None) {
            Ok(report) => sum.add(&report),
            Err(failure) => panic!("{failure}"),
        }
    }
    // Seeds that inject nothing would show nothing.
    let enough = sum.faults > SEEDS
        && sum.lingered > SEEDS / 10
        && sum.damaged > SEEDS / 20
        && sum.stopped > SEEDS / 10;
    assert!(enough && sum.processes > 2 * SEEDS && sum.published > SEEDS, "{sum}");
}

#[test]
fn a_seed_repeats_to_the_last_step() {
    for seed in 0..20 {
        let told = || match sim::run(seed, Some(Broken::NoUndo)) {
            Ok(report) => report.to_string(),
            Err(failure) => failure.to_string(),
        };
        assert_eq!(told(), told(), "seed {seed}");
    }
}

#[test]
fn every_broken_protocol_is_found() {
    for broken in Broken::ALL {
        let found = (0..SEEDS).any(|seed| sim::run(seed, Some(broken)).is_err());
        assert!(found, "{broken} is not found within {SEEDS} seeds");
    }
}
