//! The fuzz bodies, bounded: random bytes, and valid bytes with random changes. Every plain test run goes through
//! them; `PROPTEST_CASES` says how often.

use proptest::prelude::*;
use proptest::sample::Index;
use tidewire_tests::fuzz::{BODIES, Body, seeds};

/// A change of valid bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = prop::collection::vec(any::<u8>(), 1..8);
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (any::<Index>(), 1..64_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => any::<Index>().prop_map(Change::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: Change) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match change {
        Change::Set(at, byte) => bytes[at.index(length)] = byte,
        Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Change::Insert(at, more) => {
            let at = at.index(length);
            bytes.splice(at..at, more);
        }
        Change::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + count));
        }
        Change::Cut(at) => bytes.truncate(at.index(length)),
    }
}

fn any_body() -> impl Strategy<Value = (&'static str, Body)> {
    prop::sample::select(BODIES)
}

fn any_changed_seed() -> impl Strategy<Value = (&'static str, Body, Vec<u8>)> {
    let seed = any_body().prop_flat_map(|(name, body)| {
        prop::sample::select(seeds(name)).prop_map(move |seed| (name, body, seed))
    });
    (seed, prop::collection::vec(change(), 1..8)).prop_map(|((name, body, mut bytes), changes)| {
        changes.into_iter().for_each(|change| apply(&mut bytes, change));
        (name, body, bytes)
    })
}

#[test]
fn every_body_takes_its_seeds() {
    for &(name, body) in BODIES {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| body(seed));
    }
}

#[test]
fn every_byte_alone_and_before_another_is_survived() {
    for &(_, body) in BODIES {
        body(&[]);
        for first in 0..=u8::MAX {
            body(&[first]);
            for second in [0, 1, b'"', b'0', 0x7F, u8::MAX] {
                body(&[first, second]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn any_bytes_are_survived(
        (_name, body) in any_body(),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        body(&bytes);
    }

    #[test]
    fn changed_valid_bytes_are_survived((_name, body, bytes) in any_changed_seed()) {
        body(&bytes);
    }
}
