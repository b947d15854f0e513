//! What is within a stated error.

use zerocopy::FromBytes;

use super::hyper_log_log::Registers;
use super::*;

fn x(event: &Event) -> Option<f64> {
    event.x
}

fn a(event: &Event) -> Option<i64> {
    event.a
}

fn estimate<const M: usize>(values: impl Iterator<Item = i64>) -> u64 {
    let aggregate = hyper_log_log(Size::<M>, |value: &i64| *value);
    let header = Event::of_x(0, 0.0).header();
    let nothing = hyper_log_log(Size::<M>, |_: &i64| None::<i64>);
    let mut partial = nothing.lift(&header, &0);
    values.for_each(|value| aggregate.insert(&mut partial, &header, &value));
    aggregate.lower(WINDOW, &partial)
}

fn check_estimates<const M: usize>() {
    let sigma = 1.04 / (M as f64).sqrt();
    let (mut errors, mut squares, mut trials) = (0.0, 0.0, 0.0);
    for count in [0, 1, 2, 10, 50, 100, 500, 1_000, 2_500, 5_000, 20_000, 100_000_i64] {
        let families: [fn(i64) -> i64; 4] = [
            |n| n,
            |n| n << 32,
            |n| 1_700_000_000_000_000_000 + n * 1_000_000,
            |n| n.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 3,
        ];
        for family in families {
            // Twice, since only the first time counts.
            let found = estimate::<M>((0..count).chain(0..count).map(family));
            let error = found as f64 - count as f64;
            let allowed = (3.0 * sigma * count as f64).max(0.5);
            assert!(error.abs() <= allowed, "{found} instead of {count} with {M} registers");
            if count > 100 {
                let relative = error / count as f64;
                (errors, squares, trials) =
                    (errors + relative, squares + relative * relative, trials + 1.0);
            }
        }
    }
    assert!((squares / trials).sqrt() < 1.3 * sigma, "{} of {sigma}", (squares / trials).sqrt());
    assert!((errors / trials).abs() < 3.0 * sigma / f64::sqrt(trials), "biased");
}

#[test]
fn estimates_are_within_three_standard_errors() {
    check_estimates::<256>();
    check_estimates::<1024>();
    check_estimates::<4096>();
    check_estimates::<16384>();
}

#[test]
fn registers_of_any_bytes_give_an_answer() {
    let aggregate = hyper_log_log(Size::<16>, a);
    let registers = |byte: u8| Registers::<16>::read_from_bytes(&[byte; 16]).ok();
    assert_eq!(aggregate.lower(WINDOW, &registers(0).unwrap()), 0);
    assert_eq!(aggregate.lower(WINDOW, &registers(255).unwrap()), u64::MAX);
}

/// Values of both signs that lie in few octaves.
fn near() -> impl Strategy<Value = f64> {
    let magnitude = (-4.0..4.0_f64).prop_map(|log| 10_f64.powf(log));
    prop_oneof![8 => magnitude.clone(), 4 => magnitude.prop_map(|x| -x), 1 => Just(0.0)]
}

fn true_quantile(events: &[Event], q: f64) -> Option<f64> {
    let mut values: Vec<_> = events.iter().filter_map(x).collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(values[(q * last as f64).floor() as usize])
}

const ASKED: [f64; 5] = [0.0, 0.25, 0.5, 0.9, 1.0];

proptest! {
    #[test]
    fn registers_do_not_depend_on_how_they_were_combined(
        events in events_with(floats()),
        cuts in cuts(),
    ) {
        let found = exact(&hyper_log_log(Size::<1024>, a), &events, &cuts);
        let different: std::collections::BTreeSet<_> = events.iter().filter_map(a).collect();
        prop_assert_eq!(found, estimate::<1024>(different.into_iter()));
    }

    #[test]
    fn quantiles_are_within_their_accuracy(
        events in events_with(near()),
        cuts in cuts(),
        accuracy in 0.01..0.5_f64,
    ) {
        let aggregate = quantiles(Size::<1022>, Accuracy::new(accuracy).unwrap(), ASKED, x);
        let found = exact(&aggregate, &events, &cuts);
        for (at, q) in ASKED.into_iter().enumerate() {
            match (found, true_quantile(&events, q)) {
                (Some(found), Some(value)) => {
                    let error = (found[at] - value).abs();
                    prop_assert!(error <= accuracy * value.abs(), "{} for {value}", found[at]);
                }
                (found, value) => prop_assert!(found.is_none() && value.is_none()),
            }
        }
    }

    #[test]
    fn any_number_lies_in_its_bucket(
        value in prop_oneof![any::<f64>(), Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(f64::MIN)],
        accuracy in prop_oneof![Just(1e-6), Just(0.5), 1e-6..0.5_f64],
    ) {
        prop_assume!(value.is_normal());
        let event = Event::of_x(0, value);
        let aggregate = quantiles(Size::<1>, Accuracy::new(accuracy).unwrap(), [0.5], x);
        let [found] = exact(&aggregate, &[event], &[0]).unwrap();
        // What f64 rounds in the comparison itself.
        let allowed = accuracy * (1.0 + 1e-9);
        prop_assert!((found / value - 1.0).abs() <= allowed, "{found} for {value} +- {accuracy}");
    }

    #[test]
    fn collapsed_buckets_are_the_lowest(events in events_with(floats()), cuts in cuts()) {
        let aggregate = quantiles(Size::<8>, Accuracy::new(0.1).unwrap(), [0.0, 0.5, 1.0], x);
        let found = exact(&aggregate, &events, &cuts);
        let mut values: Vec<_> =
            events.iter().filter_map(x).filter(|value| !value.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        prop_assert_eq!(found.is_some(), !values.is_empty());
        if let Some([.., greatest]) = found
            && let Some(value) = values.last()
            && *value >= 0.0
        {
            let is_close = (greatest / value - 1.0).abs() <= 0.1 + 1e-9;
            prop_assert!(greatest == *value || !value.is_normal() && greatest == 0.0 || is_close);
        }
    }
}

#[test]
fn what_is_collapsed_is_said_too_large() {
    // 38 buckets are about an octave: of 1, 2, .. 1024 the greatest keeps its accuracy.
    let events: Vec<_> = (0..11).map(|at| Event::of_x(at, 2_f64.powi(at as i32))).collect();
    let aggregate = quantiles(Size::<38>, Accuracy::new(0.01).unwrap(), [0.0, 0.5, 1.0], x);
    let [least, median, greatest] = exact(&aggregate, &events, &[3]).unwrap();
    assert!((greatest - 1024.0).abs() <= 10.24);
    assert!(least == median && least > 500.0 && least < 1024.0, "{least}");
}

#[test]
fn accuracies_out_of_range() {
    for accuracy in [0.0, 1e-7, 0.51, -0.1, f64::NAN] {
        assert!(Accuracy::new(accuracy).is_err(), "{accuracy}");
    }
}

#[test]
fn sketches_are_part_of_the_snapshot_format() {
    let event = Event { a: Some(7), ..Event::of_x(0, 10.0) };
    let registers = hyper_log_log(Size::<256>, a).lift(&event.header(), &event);
    let taken = registers.as_bytes().iter().enumerate().find(|(_, rank)| **rank > 0);
    assert_eq!(taken, Some((REGISTER_OF_7, &RANK_OF_7)));
    let aggregate = quantiles(Size::<2>, Accuracy::new(0.01).unwrap(), [0.5], x);
    let sketch = aggregate.lift(&event.header(), &event);
    let (empty, none) = (i32::MIN.to_le_bytes(), [0; 8]);
    let one = 1_u64.to_le_bytes();
    let positive = [&BUCKET_OF_10.to_le_bytes()[..], &none, &one].concat();
    let expected = [&[0; 24][..], &empty, &none, &none, &positive].concat();
    assert_eq!(sketch.as_bytes(), expected);
}

const REGISTER_OF_7: usize = 150;
const RANK_OF_7: u8 = 1;
/// `ceil(37.5 * (3 + 0.25 * (4 - 0.25) / 3))`: 10 is `2^3 * 1.25`.
const BUCKET_OF_10: i32 = 125;

#[test]
fn the_largest_states_fit_into_a_table() {
    fn bytes<A: Aggregate<In = Event, Partial: zerocopy::Unaligned>>(_: A) -> u32 {
        tidewire_state::Layout::of::<u64, A::Partial>().value_bytes
    }
    let accuracy = Accuracy::new(0.01).unwrap();
    assert_eq!(bytes(hyper_log_log(Size::<16384>, a)), 16_384);
    assert_eq!(bytes(quantiles(Size::<1022>, accuracy, [0.5], x)), 16_384);
    assert_eq!(bytes(distinct(Size::<2047>, a)), 16_378);
    assert_eq!(bytes(top(Size::<2046>, a)), 16_370);
    assert_eq!(bytes(list(Size::<682>, a)), 16_378);
}
