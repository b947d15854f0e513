//! Windows of one step.

use super::*;

/// The key and the number of an event, into tumbling windows: `SELECT k, SUM(x), COUNT(*), window_end`.
fn tumbling(size: i64) -> Plan {
    let scan = fields();
    let rows = Calc { filter: None, key: columns(&scan, &[1]), columns: columns(&scan, &[2]) };
    let (key, stage_columns) = (vec![scan[1].clone()], vec![scan[2].clone()]);
    let aggregates = vec![call("SUM", columns(&stage_columns, &[0])), call("COUNT", Vec::new())];
    let operator = Operator::Window {
        windows: WindowKind::Aligned(Windows::hopping(size, size).unwrap()),
        aggregates,
        emit: Emit::Complete,
    };
    let mut stage = Stage { key, columns: stage_columns, operator, then: Vec::new() };
    let results = stage.results(&scan[0].ty);
    let output: Vec<_> = [0, 1, 2, 4].map(|index: usize| results[index].clone()).to_vec();
    stage.then =
        vec![Calc { filter: None, key: Vec::new(), columns: columns(&results, &[0, 1, 2, 4]) }];
    plan(vec![Feed { scan: 0, expand: None, rows }], vec![stage], vec![0], output)
}

/// How many of `events` are late for windows of `size`, and the others by window and key.
fn by_window(
    events: &[(i64, Event)],
    size: i64,
    bound: i64,
) -> (usize, BTreeMap<(i64, Option<i64>), Vec<Event>>) {
    let (mut late, mut windows) = (0, BTreeMap::<_, Vec<Event>>::new());
    let mut newest: Option<i64> = None;
    for (ts, event) in events {
        let end = ts.div_euclid(size) * size + size;
        match newest.is_some_and(|newest| newest - bound > end - 1) {
            true => late += 1,
            false => windows.entry((end, event.k)).or_default().push(event.clone()),
        }
        newest = newest.max(Some(*ts));
    }
    (late, windows)
}

fn int(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Int)
}

fn sum(values: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    values.flatten().fold(None, |sum, value| Some(sum.unwrap_or(0) + value))
}

proptest! {
    #[test]
    fn tumbling_windows_sum_and_count(
        events in events(),
        size in 1..500_i64,
        bound in 0..400_i64,
        course in courses(),
    ) {
        let found = run(&tumbling(size), &events, bound, Some(&course));
        let (late, windows) = by_window(&events, size, bound);
        let rows = windows.into_iter().map(|((end, k), events)| {
            let sum = sum(events.iter().map(|event| event.x));
            (end, vec![int(k), int(sum), Value::Int(events.len() as i64), Value::Int(end)])
        });
        let expected = Found { rows: rows.collect(), now: Vec::new(), late };
        prop_assert_eq!(found, expected.sorted());
    }

    #[test]
    fn rows_pass(events in events(), course in courses()) {
        let scan = fields();
        let stage_columns = vec![scan[3].clone(), scan[0].clone()];
        let rows = Calc { filter: None, key: Vec::new(), columns: columns(&scan, &[3, 0]) };
        let then = Calc { filter: None, key: Vec::new(), columns: columns(&stage_columns, &[0, 1]) };
        let stage = Stage {
            key: Vec::new(),
            columns: stage_columns.clone(),
            operator: Operator::Pass,
            then: vec![then],
        };
        let feed = Feed { scan: 0, expand: None, rows };
        let plan = plan(vec![feed], vec![stage], Vec::new(), stage_columns);
        let found = run(&plan, &events, 0, Some(&course));
        let rows = events.iter().map(|(ts, event)| {
            let values = event.values(*ts);
            vec![values[3].clone(), values[0].clone()]
        });
        let expected = Found { rows: Vec::new(), now: rows.collect(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }
}

/// `SELECT k, SUM(x), MIN(name), window_start, window_end` over windows of any kind.
fn of_kind(windows: WindowKind, names: &[(&str, usize)]) -> Plan {
    let scan = fields();
    let rows =
        Calc { filter: None, key: columns(&scan, &[1]), columns: columns(&scan, &[2, 3, 4]) };
    let (key, stage_columns) = (vec![scan[1].clone()], scan[2..].to_vec());
    let aggregates = names.iter().map(|(name, arg)| call(name, columns(&stage_columns, &[*arg])));
    let aggregates = aggregates.collect();
    let operator = Operator::Window { windows, aggregates, emit: Emit::Complete };
    let mut stage = Stage { key, columns: stage_columns, operator, then: Vec::new() };
    let results = stage.results(&scan[0].ty);
    let all: Vec<_> = (0..results.len()).collect();
    stage.then = vec![Calc { filter: None, key: Vec::new(), columns: columns(&results, &all) }];
    plan(vec![Feed { scan: 0, expand: None, rows }], vec![stage], vec![0], results)
}

/// The events of each window that is not closed for them, judged one by one.
fn in_windows(
    events: &[(i64, Event)],
    windows: Windows,
    bound: i64,
) -> BTreeMap<(i64, i64, Option<i64>), Vec<(i64, Event)>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    let mut newest: Option<i64> = None;
    for (ts, event) in events {
        for window in windows.around(*ts) {
            if newest.is_none_or(|newest| newest - bound < window.end) {
                let of = found.entry((window.end, window.start, event.k)).or_default();
                of.push((*ts, event.clone()));
            }
        }
        newest = newest.max(Some(*ts));
    }
    found.values_mut().for_each(|events| events.sort_by_key(|(ts, _)| *ts));
    found
}

fn name(value: Option<&String>) -> Value {
    value.map_or(Value::Null, |name| Value::text(name))
}

proptest! {
    #[test]
    fn hopping_windows(
        events in events(),
        slide in 1..100_i64,
        times in 1..5_i64,
        bound in 0..400_i64,
        course in courses(),
    ) {
        let windows = Windows::hopping(slide, slide * times).unwrap();
        let kind = WindowKind::Aligned(windows);
        // With an inverse, and without.
        let sums = run(&of_kind(kind, &[("SUM", 0)]), &events, bound, Some(&course));
        let firsts = of_kind(kind, &[("FIRST_VALUE", 1), ("MAX", 1)]);
        let firsts = run(&firsts, &events, bound, Some(&course));
        let found = in_windows(&events, windows, bound);
        let expected: Vec<_> = found.iter().map(|((end, start, k), events)| {
            let sum = sum(events.iter().map(|(_, event)| event.x));
            (*end, vec![int(*k), int(sum), Value::Int(*start), Value::Int(*end)])
        }).collect();
        let expected = Found { rows: expected, now: Vec::new(), late: sums.late };
        prop_assert_eq!(&sums, &expected.sorted());
        let expected: Vec<_> = found.iter().map(|((end, start, k), events)| {
            let names = || events.iter().filter_map(|(_, event)| event.name.as_ref());
            let (first, max) = (name(names().next()), name(names().max()));
            (*end, vec![int(*k), first, max, Value::Int(*start), Value::Int(*end)])
        }).collect();
        let expected = Found { rows: expected, now: Vec::new(), late: firsts.late };
        prop_assert_eq!(&firsts, &expected.sorted());
    }

    #[test]
    fn sessions(events in events(), gap in 1..300_i64, course in courses()) {
        let kind = WindowKind::Session(SessionGap::new(gap).unwrap());
        let found = run(&of_kind(kind, &[("SUM", 0), ("LAST_VALUE", 1)]), &events, i64::MAX / 4, Some(&course));
        let mut by_key = BTreeMap::<_, Vec<_>>::new();
        for (ts, event) in &events {
            by_key.entry(event.k).or_default().push((*ts, event.clone()));
        }
        let mut expected = Vec::new();
        for (k, mut events) in by_key {
            events.sort_by_key(|(ts, _)| *ts);
            for session in events.chunk_by(|(a, _), (b, _)| b - a <= gap) {
                let (start, end) = (session[0].0, session.last().unwrap().0 + gap);
                let sum = sum(session.iter().map(|(_, event)| event.x));
                let last = session.iter().filter_map(|(_, event)| event.name.as_ref()).next_back();
                let row = vec![int(k), int(sum), name(last), Value::Int(start), Value::Int(end)];
                expected.push((end, row));
            }
        }
        let expected = Found { rows: expected, now: Vec::new(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }

    #[test]
    fn ordered_aggregates_stand_behind_an_order(
        events in events(),
        size in 1..300_i64,
        course in courses(),
    ) {
        let windows = Windows::hopping(size, size).unwrap();
        let ema = {
            let span = Expr::literal(Value::Int(3), DataType::Int, Span::NONE);
            let stage_columns = fields()[2..].to_vec();
            call("EMA", vec![column(&stage_columns, 2), span])
        };
        let mut plan = of_kind(WindowKind::Aligned(windows), &[("AVG", 2)]);
        if let Operator::Window { aggregates, .. } = &mut plan.pipelines[0].stages[0].operator {
            *aggregates = vec![ema];
        }
        let found = run(&plan, &events, i64::MAX / 4, Some(&course));
        let expected = in_windows(&events, windows, i64::MAX / 4).into_iter().map(|((end, start, k), events)| {
            let values = events.iter().filter_map(|(_, event)| event.f);
            let ema = values.fold(None, |ema: Option<f64>, value| Some(ema.map_or(value, |ema| (ema + value) / 2.0)));
            let ema = ema.map_or(Value::Null, Value::Float);
            (end, vec![int(k), ema, Value::Int(start), Value::Int(end)])
        });
        let expected = Found { rows: expected.collect(), now: Vec::new(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }

    /// `SELECT k, window_start, COUNT(*) FROM (rows with their windows)`: what GROUPING SETS and joins of windows need.
    #[test]
    fn windows_beside_rows(events in events(), slide in 1..100_i64, times in 1..4_i64) {
        let windows = Windows::hopping(slide, slide * times).unwrap();
        let scan = fields();
        let mut beside = scan.clone();
        beside.extend(["start", "end"].map(|name| Field::new(name, scan[0].ty.clone()).not_null()));
        let stage_columns = vec![beside[1].clone(), beside[5].clone(), beside[6].clone()];
        let rows = Calc { filter: None, key: Vec::new(), columns: columns(&beside, &[1, 5, 6]) };
        let then = Calc { filter: None, key: Vec::new(), columns: columns(&stage_columns, &[0, 1, 2]) };
        let (operator, key) = (Operator::Pass, Vec::new());
        let stage = Stage { key, columns: stage_columns.clone(), operator, then: vec![then] };
        let feed = Feed { scan: 0, expand: Some(Expand { windows }), rows };
        let found = run(&plan(vec![feed], vec![stage], Vec::new(), stage_columns), &events, 0, None);
        let rows = events.iter().flat_map(|(ts, event)| {
            windows.around(*ts).map(|window| {
                vec![int(event.k), Value::Int(window.start), Value::Int(window.end)]
            })
        });
        let expected = Found { rows: Vec::new(), now: rows.collect(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }
}

proptest! {
    /// Two windows and rows as they are, side by side, into one output.
    #[test]
    fn pipelines_side_by_side(
        events in events(),
        sizes in (1..300_i64, 1..300_i64),
        bound in 0..400_i64,
        course in courses(),
    ) {
        let (mut both, second) = (tumbling(sizes.0), tumbling(sizes.1));
        both.pipelines.extend(second.pipelines);
        let found = run(&both, &events, bound, Some(&course));
        let mut expected = Found { rows: Vec::new(), now: Vec::new(), late: 0 };
        for size in [sizes.0, sizes.1] {
            let (late, windows) = by_window(&events, size, bound);
            expected.late += late;
            expected.rows.extend(windows.into_iter().map(|((end, k), events)| {
                let sum = sum(events.iter().map(|event| event.x));
                (end, vec![int(k), int(sum), Value::Int(events.len() as i64), Value::Int(end)])
            }));
        }
        prop_assert_eq!(found, expected.sorted());
    }

    #[test]
    fn tumbling_windows_on_arrival(events in events(), size in 1..500_i64, course in courses()) {
        let mut plan = tumbling(size);
        if let Operator::Window { emit, .. } = &mut plan.pipelines[0].stages[0].operator {
            *emit = Emit::OnArrival;
        }
        let found = run(&plan, &events, i64::MAX / 4, Some(&course));
        let mut windows = BTreeMap::<_, (Option<i64>, i64)>::new();
        let rows = events.iter().map(|(ts, event)| {
            let end = (ts.div_euclid(size) + 1) * size;
            let (sum, count) = windows.entry((end, event.k)).or_default();
            *count += 1;
            if let Some(x) = event.x {
                *sum = Some(sum.unwrap_or(0) + x);
            }
            vec![int(event.k), int(*sum), Value::Int(*count), Value::Int(end)]
        });
        let expected = Found { rows: Vec::new(), now: rows.collect(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }
}
