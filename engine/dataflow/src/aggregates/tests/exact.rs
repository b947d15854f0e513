//! What is exact.

use std::collections::BTreeSet;

use super::*;

fn a(event: &Event) -> Option<i64> {
    event.a
}

fn x(event: &Event) -> Option<f64> {
    event.x
}

/// The values in the order of event time and then of place.
fn values<T>(events: &[Event], value: fn(&Event) -> Option<T>) -> Vec<T> {
    in_order(events).iter().filter_map(value).collect()
}

/// NaN behind all, and -0 before 0: by the bits, as IEEE 754 lays them out.
fn sorted(mut values: Vec<f64>) -> Vec<u64> {
    let rank = |value: f64| match value.to_bits() {
        _ if value.is_nan() => u64::MAX,
        bits if bits >> 63 == 1 => !bits,
        bits => bits | 1 << 63,
    };
    values.sort_by_key(|value| rank(*value));
    let values = values.into_iter();
    values.map(|value| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }).collect()
}

proptest! {
    #[test]
    fn counts_sums_and_averages(events in events_with(floats()), cuts in cuts()) {
        let values = values(&events, a);
        let total: i128 = values.iter().map(|value| i128::from(*value)).sum();
        let is_some = !values.is_empty();
        prop_assert_eq!(exact(&count(), &events, &cuts), events.len() as u64);
        prop_assert_eq!(exact(&count_of(a), &events, &cuts), values.len() as u64);
        prop_assert_eq!(exact(&sum(a), &events, &cuts), is_some.then_some(total));
        let average = exact(&avg(a), &events, &cuts);
        prop_assert_eq!(average.map(|average| average.sum), is_some.then_some(total));
        if let Some(average) = average {
            let truncated = (total.unsigned_abs() / values.len() as u128) as i128;
            prop_assert_eq!(average.truncated(), truncated * total.signum());
        }
    }

    #[test]
    fn extremes(events in events_with(floats()), cuts in cuts()) {
        let values_of_a = values(&events, a);
        prop_assert_eq!(exact(&min(a), &events, &cuts), values_of_a.iter().min().copied());
        prop_assert_eq!(exact(&max(a), &events, &cuts), values_of_a.iter().max().copied());
        let sorted = sorted(values(&events, x));
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        prop_assert_eq!(bits(exact(&min(x), &events, &cuts)), sorted.first().copied());
        prop_assert_eq!(bits(exact(&max(x), &events, &cuts)), sorted.last().copied());
        prop_assert_eq!(exact(&first(a), &events, &cuts), values_of_a.first().copied());
        prop_assert_eq!(exact(&last(a), &events, &cuts), values_of_a.last().copied());
        let greatest = exact(&top(Size::<4>, x), &events, &cuts);
        let greatest: Vec<_> = greatest.iter().map(|value| value.to_bits()).collect();
        let expected: Vec<_> = sorted.iter().rev().take(4).copied().collect();
        prop_assert_eq!(greatest, expected);
    }

    #[test]
    fn prices(events in events_with(floats()), cuts in cuts()) {
        let both = |event: &Event| event.a.zip(event.b);
        let both: Vec<_> = in_order(&events).iter().filter_map(both).collect();
        let volume: i128 = both.iter().map(|(_, volume)| i128::from(*volume)).sum();
        // Halves, so that the sum of 40 products fits.
        let notional = both.iter().map(|(a, b)| i128::from(*a) * i128::from(*b));
        let halves: i128 = notional.clone().map(|product| product >> 6).sum();
        let rests: i128 = notional.map(|product| product & 63).sum();
        let halves = halves + (rests >> 6);
        let notional = halves.checked_mul(64).map(|notional| notional + (rests & 63));
        let notional = notional.unwrap_or(if halves < 0 { i128::MIN } else { i128::MAX });
        let expected = (!both.is_empty()).then_some(Vwap { notional, volume });
        prop_assert_eq!(exact(&vwap(a, |event| event.b), &events, &cuts), expected);
        let bar = exact(&ohlc(a, |event: &Event| event.b), &events, &cuts);
        let prices: Vec<_> = both.iter().map(|(price, _)| *price).collect();
        let expected = prices.iter().min().map(|low| Bar {
            open: prices[0],
            high: *prices.iter().max().unwrap(),
            low: *low,
            close: prices[prices.len() - 1],
            volume,
        });
        prop_assert_eq!(bar, expected);
    }

    #[test]
    fn sets_and_lists(events in events_with(floats()), cuts in cuts()) {
        let values = values(&events, a);
        let different = values.iter().collect::<BTreeSet<_>>().len();
        let expected = match different {
            0..=6 => DistinctCount::Exact(different as u64),
            _ => DistinctCount::MoreThan(6),
        };
        prop_assert_eq!(exact(&distinct(Size::<6>, a), &events, &cuts), expected);
        let many = exact(&distinct(Size::<2047>, a), &events, &cuts);
        prop_assert_eq!(many, DistinctCount::Exact(different as u64));
        let listed = exact(&list(Size::<5>, a), &events, &cuts);
        let fit = values.len().min(5);
        prop_assert_eq!(&*listed.values, &values[..fit]);
        prop_assert_eq!(listed.more, (values.len() - fit) as u64);
    }

    #[test]
    fn time_weighted_values(events in events_with(floats()), cuts in cuts(), end: i64) {
        let mut events = events;
        events.iter_mut().for_each(|event| event.ts = event.ts.min(end));
        let answer = exact(&time_weighted(a), &events, &cuts);
        prop_assert_eq!(answer.is_some(), events.iter().any(|event| event.a.is_some()));
        let ordered: Vec<_> =
            in_order(&events).into_iter().filter(|event| event.a.is_some()).collect();
        if let (Some(first), Some(last)) = (ordered.first(), ordered.last()) {
            let aggregate = time_weighted(a);
            let found = aggregate.lower(Window { start: 0, end }, &one_by_one(&aggregate, &ordered));
            let found = found.unwrap();
            let ends = ordered[1..].iter().map(|event| event.ts).chain([end]);
            let stood = ordered.iter().zip(ends);
            let area: i128 = stood
                .map(|(event, to)| {
                    i128::from(event.a.unwrap()) * (i128::from(to) - i128::from(event.ts))
                })
                .sum();
            if end == first.ts {
                prop_assert_eq!((found.area, found.duration), (last.a.unwrap().into(), 1));
            } else {
                prop_assert_eq!((found.area, found.duration), (area, end.abs_diff(first.ts)));
            }
        }
    }
}

#[test]
fn names_and_plain_numbers_are_values_too() {
    let event = Event::of_x(0, 1.0);
    let partial = last(|_: &Event| *b"ABCD").lift(&event.header(), &event);
    assert_eq!(last(|_: &Event| *b"ABCD").lower(WINDOW, &partial), Some(*b"ABCD"));
    assert_eq!(
        exact(&sum(|_: &Event| u64::MAX), &[event; 3], &[0]),
        Some(3 * i128::from(u64::MAX))
    );
    assert_eq!(exact(&max(|_: &Event| 7_u8), &[event], &[0]), Some(7));
    assert_eq!(
        exact(&distinct(Size::<1>, |_: &Event| -1_i8), &[event; 2], &[0]),
        DistinctCount::Exact(1)
    );
}

#[test]
fn a_price_of_no_volume_is_none() {
    let none = Vwap { notional: 5, volume: 0 };
    assert_eq!(none.to_f64(), None);
    assert_eq!(Vwap { volume: 2, ..none }.to_f64(), Some(2.5));
}

#[test]
fn averages_are_cut_toward_zero() {
    let average = |sum, count| Average { sum, count };
    assert_eq!([average(7, 2), average(-7, 2)].map(|average| average.truncated()), [3, -3]);
    assert_eq!(average(-7, 2).to_f64(), -3.5);
}
