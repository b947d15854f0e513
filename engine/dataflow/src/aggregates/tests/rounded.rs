//! What is exact but for rounding.

use super::*;

fn x(event: &Event) -> Option<f64> {
    event.x
}

fn a_as_f64(event: &Event) -> Option<f64> {
    event.a.map(|a| a as f64)
}

/// Numbers whose squares are far from the ends, and whose sums lose digits.
fn tame() -> impl Strategy<Value = f64> {
    prop_oneof![-1.0..1.0_f64, -1e6..1e6_f64, 1e9..1.000_001e9_f64]
}

fn values(events: &[Event]) -> Vec<f64> {
    in_order(events).iter().filter_map(x).collect()
}

/// Whether all answers are the expected one, up to `tolerance`.
#[track_caller]
fn assert_close(found: Vec<Option<f64>>, expected: Option<f64>, tolerance: f64) {
    for found in found {
        let is_close = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= tolerance,
            _ => found == expected,
        };
        assert!(is_close, "{found:?} instead of {expected:?}");
    }
}

/// A sum in units of 2^-80: exact for tame numbers, but for what is smaller.
fn exact_sum(values: &[f64]) -> f64 {
    let units = |value: &f64| (value * 2_f64.powi(80)) as i128;
    values.iter().map(units).sum::<i128>() as f64 / 2_f64.powi(80)
}

proptest! {
    #[test]
    fn sums_and_averages(events in events_with(tame()), cuts in cuts()) {
        let values = values(&events);
        let expected = (!values.is_empty()).then(|| exact_sum(&values));
        let tolerance = expected.unwrap_or(0.0).abs() * 1e-15 + 1e-20;
        assert_close(answers(&sum_f64(x), &events, &cuts), expected, tolerance);
        let expected = expected.map(|sum| sum / values.len() as f64);
        assert_close(answers(&avg_f64(x), &events, &cuts), expected, tolerance);
    }

    #[test]
    fn spreads(events in events_with(tame()), cuts in cuts()) {
        let values = values(&events);
        let count = values.len() as f64;
        let mean = exact_sum(&values) / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let greatest = values.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
        let tolerance = |variance: f64| variance * 1e-10 + greatest * greatest * 1e-30;
        let pop = (!values.is_empty()).then(|| squares / count);
        assert_close(answers(&var_pop(x), &events, &cuts), pop, tolerance(squares));
        let samp = (values.len() > 1).then(|| squares / (count - 1.0));
        assert_close(answers(&var_samp(x), &events, &cuts), samp, tolerance(squares));
        let tolerance = tolerance(squares).sqrt();
        assert_close(answers(&stddev_pop(x), &events, &cuts), pop.map(f64::sqrt), tolerance);
        assert_close(answers(&stddev_samp(x), &events, &cuts), samp.map(f64::sqrt), tolerance);
    }

    #[test]
    fn exponential_averages(
        events in events_with(tame()),
        cuts in cuts(),
        alpha in prop_oneof![Just(1.0), 0.001..1.0_f64],
        half_life in prop_oneof![1..10_i64, 1..i64::MAX],
    ) {
        let values = values(&events);
        let tolerance = values.iter().fold(0.0, |max: f64, value| max.max(value.abs())) * 1e-13;
        let by_count = values.iter().copied().reduce(|ema, value| ema + alpha * (value - ema));
        let aggregate = ema(Alpha::new(alpha).unwrap(), x);
        assert_close(answers(&aggregate, &events, &cuts), by_count, tolerance);

        let newest = events.iter().filter(|event| event.x.is_some()).map(|event| event.ts).max();
        let (mut weights, mut weighted) = (0.0, 0.0);
        for event in events.iter().filter(|event| event.x.is_some()) {
            let age = i128::from(newest.unwrap()) - i128::from(event.ts);
            let weight = 0.5_f64.powf(age as f64 / half_life as f64);
            weights += weight;
            weighted += weight * event.x.unwrap();
        }
        let by_time = newest.map(|_| weighted / weights);
        let aggregate = ema_by_time(HalfLife::new(half_life).unwrap(), x);
        assert_close(answers(&aggregate, &events, &cuts), by_time, tolerance);
    }

    #[test]
    fn time_weighted_floats(events in events_with(tame()), cuts in cuts()) {
        let to_f64 = |found: Option<TimeWeighted<f64>>| found.map(|found| found.to_f64());
        let found = answers(&time_weighted(x).map(to_f64), &events, &cuts);
        let ordered: Vec<_> =
            in_order(&events).into_iter().filter(|event| event.x.is_some()).collect();
        let ends = ordered.iter().skip(1).map(|event| event.ts).chain([WINDOW.end]);
        let area: f64 = ordered
            .iter()
            .zip(ends)
            .map(|(event, to)| event.x.unwrap() * to.abs_diff(event.ts) as f64)
            .sum();
        let expected = ordered.first().map(|first| area / WINDOW.end.abs_diff(first.ts) as f64);
        assert_close(found, expected, 1e9 * 1e-12);
    }

    #[test]
    fn nan_and_infinities_do_not_vanish(events in events_with(floats()), cuts in cuts()) {
        let values = values(&events);
        let is_nan = |found: Vec<Option<f64>>| found.iter().all(|found| found.unwrap().is_nan());
        if values.iter().any(|value| value.is_nan()) {
            prop_assert!(is_nan(answers(&sum_f64(x), &events, &cuts)));
            prop_assert!(is_nan(answers(&avg_f64(x), &events, &cuts)));
        }
        if values.iter().any(|value| !value.is_finite()) {
            prop_assert!(is_nan(answers(&var_pop(x), &events, &cuts)));
        }
        // Nothing panics at the ends of 64 bits.
        answers(&var_samp(a_as_f64), &events, &cuts);
        answers(&ema_by_time(HalfLife::new(1).unwrap(), a_as_f64), &events, &cuts);
        answers(&time_weighted(x), &events, &cuts);
    }
}

#[test]
fn a_sum_keeps_what_rounding_takes() {
    let values = [1.0, 1e100, 1.0, -1e100];
    let events: Vec<_> = values.iter().enumerate().map(|(at, x)| Event::of_x(at, *x)).collect();
    assert_close(answers(&sum_f64(x), &events, &[1]), Some(2.0), 0.0);
    let infinite = [Event::of_x(0, f64::INFINITY), Event::of_x(1, 1.0)];
    assert_eq!(answers(&sum_f64(x), &infinite, &[0]), [Some(f64::INFINITY); 3]);
}

#[test]
fn variance_of_close_numbers_that_are_large() {
    let events: Vec<_> = (0..1000).map(|at| Event::of_x(at, 1e9 + (at % 2) as f64)).collect();
    assert_close(answers(&var_pop(x), &events, &[500, 7, 31]), Some(0.25), 1e-13);
}

#[test]
fn parameters_out_of_range() {
    for alpha in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(Alpha::new(alpha).is_err(), "{alpha}");
    }
    assert_eq!(Alpha::of_span(0), Err(SmoothingOutOfRange::Span(0)));
    assert_eq!(Alpha::of_span(3), Alpha::new(0.5));
    assert_eq!(
        HalfLife::new(0).unwrap_err().to_string(),
        "a half-life of 0 ns: it must be at least 1 ns"
    );
}
