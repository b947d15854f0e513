//! Of two writers of one name one is told that it was second, whatever is lost on the way.

use std::thread;

use tidewire_snapshot::{Published, Store};
use tidewire_tests::s3::{Conditions, Fault, Proxy, always, healthy, script, seeded};

use super::{ATTEMPT, Place, STALL, store};

fn faults() -> Vec<Fault> {
    let often = [Fault::ResetAfter, Fault::ErrorAfter, Fault::Truncate, Fault::ResetBefore];
    let rare = [Fault::InternalError, Fault::SlowDown, Fault::StallAfter(STALL)];
    // Stalls take real time: one in twenty is enough.
    let often = often.iter().cycle().take(18);
    often.chain(&rare).copied().collect()
}

#[test]
fn an_answer_that_is_lost_does_not_make_us_second() {
    for fault in [Fault::ResetAfter, Fault::ErrorAfter, Fault::StallAfter(STALL), Fault::Truncate] {
        let place = Place::new(script([fault; 3], |it| it.is_conditional));
        assert_eq!(place.store.put_new("m", b"ours").unwrap(), Published::Created, "{fault:?}");
        assert_eq!(place.proxy.faults(), 3);
        assert_eq!(place.store.put_new("m", b"ours").unwrap(), Published::Existed, "{fault:?}");
    }
}

#[test]
fn an_answer_that_is_lost_does_not_make_us_first() {
    for fault in [Fault::ResetBefore, Fault::ResetAfter, Fault::InternalError, Fault::Truncate] {
        for theirs in [b"them", b"ours"] {
            let place = Place::new(healthy());
            assert_eq!(place.store.put_new("m", theirs).unwrap(), Published::Created);
            place.proxy.set_plan(script([fault; 2], |it| it.is_conditional));
            // Even the same bytes are not ours: the mark says whose they are.
            assert_eq!(place.store.put_new("m", b"ours").unwrap(), Published::Existed, "{fault:?}");
            assert_eq!(place.object("m").unwrap(), theirs);
        }
    }
}

#[test]
fn the_probe_tells_the_truth_under_faults() {
    for (conditions, fenced) in [(Conditions::Honoured, true), (Conditions::Ignored, false)] {
        let place = Place::with(conditions, healthy(), ATTEMPT);
        let mut told = 0;
        for seed in 0..20 {
            place.proxy.set_plan(seeded(seed, 30, faults()));
            if let Ok(said) = place.store.is_fenced() {
                assert_eq!(said, fenced, "seed {seed}: {conditions:?}");
                told += 1;
            }
        }
        assert!(told >= 10, "{told} of 20 were answered");
    }
}

#[test]
fn a_server_that_never_answers_is_not_called_fenced() {
    for fault in [Fault::ResetAfter, Fault::ErrorAfter, Fault::InternalError] {
        let place = Place::new(always(fault));
        assert!(place.store.is_fenced().is_err(), "{fault:?}");
    }
}

/// Two processes publish the same names through two bad lines, often the same bytes; the server's folder knows who won.
#[test]
fn of_two_that_publish_one_wins_whatever_is_lost() {
    const ROUNDS: u64 = 120;
    let place = Place::new(healthy());
    let other = Proxy::start(place.server.endpoint(), healthy()).unwrap();
    let rival = store(other.endpoint(), ATTEMPT);
    let mut decided = 0;
    for round in 0..ROUNDS {
        place.proxy.set_plan(seeded(round, 40, faults()));
        other.set_plan(seeded(round + 1_000_000, 40, faults()));
        let name = format!("m-{round}");
        let (ours, theirs) = match round % 3 {
            0 => (b"same".to_vec(), b"same".to_vec()),
            _ => (format!("ours {round}").into_bytes(), format!("theirs {round}").into_bytes()),
        };
        let (one, two) = thread::scope(|scope| {
            let one = scope.spawn(|| place.store.put_new(&name, &ours));
            let two = scope.spawn(|| rival.put_new(&name, &theirs));
            (one.join().unwrap(), two.join().unwrap())
        });
        let lies = place.object(&name);
        for (told, sent) in [(&one, &ours), (&two, &theirs)] {
            match told {
                Ok(Published::Created) => {
                    assert_eq!(
                        lies.as_ref(),
                        Some(sent),
                        "round {round}: Created, another's there"
                    );
                }
                Ok(Published::Existed) => {
                    assert!(lies.is_some(), "round {round}: nothing is there")
                }
                Err(_) => (),
            }
        }
        let won = |told: &Result<_, _>| matches!(told, Ok(Published::Created));
        assert!(!(won(&one) && won(&two)), "round {round}: two were told that they won");
        if one.is_ok() && two.is_ok() {
            assert!(won(&one) || won(&two), "round {round}: none was told that it won");
            decided += 1;
        }
    }
    assert!(decided > ROUNDS / 2, "{decided} of {ROUNDS} were decided");
    assert!(place.proxy.faults() > ROUNDS / 4);
}
