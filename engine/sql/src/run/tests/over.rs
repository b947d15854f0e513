//! `OVER`, and steps behind each other.

use super::*;

/// `SELECT k, x, SUM(x) OVER (PARTITION BY k ORDER BY ts ...)`, in the order of time or on arrival.
fn over(frame: Frame, emit: Emit, name: &str) -> Plan {
    let scan = fields();
    let rows =
        Calc { filter: None, key: columns(&scan, &[1]), columns: columns(&scan, &[0, 1, 2]) };
    let (key, stage_columns) = (vec![scan[1].clone()], scan[..3].to_vec());
    let aggregates = vec![call(name, columns(&stage_columns, &[2]))];
    let operator = Operator::Over { frame, aggregates, emit };
    let mut stage = Stage { key, columns: stage_columns, operator, then: Vec::new() };
    let results = stage.results(&scan[0].ty);
    stage.then =
        vec![Calc { filter: None, key: Vec::new(), columns: columns(&results, &[0, 1, 2, 3]) }];
    plan(vec![Feed { scan: 0, expand: None, rows }], vec![stage], vec![0], results)
}

fn int(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Int)
}

fn frames() -> impl Strategy<Value = Frame> {
    let rows = (0..6_u64).prop_map(|preceding| Frame::Rows { preceding });
    prop_oneof![(0..400_i64).prop_map(Frame::Range), rows]
}

/// The values of `x` in the frame that ends at row `at` of rows in order.
fn in_frame(rows: &[(i64, Event)], at: usize, frame: Frame) -> Vec<Option<i64>> {
    let (ts, current) = &rows[at];
    let of_key = rows.iter().enumerate().filter(|(_, (_, event))| event.k == current.k);
    match frame {
        Frame::Range(ns) => {
            let in_range = |other: i64| other <= *ts && other >= *ts - ns;
            of_key.filter(|(_, (other, _))| in_range(*other)).map(|(_, (_, it))| it.x).collect()
        }
        Frame::Rows { preceding } => {
            let before: Vec<_> = of_key.filter(|(index, _)| *index <= at).collect();
            let from = before.len().saturating_sub(preceding as usize + 1);
            before[from..].iter().map(|(_, (_, event))| event.x).collect()
        }
    }
}

proptest! {
    #[test]
    fn rows_with_their_frames(events in events(), frame in frames(), course in courses()) {
        let mut ordered = events.clone();
        ordered.sort_by_key(|(ts, _)| *ts);
        for name in ["SUM", "MAX", "LAG"] {
            let frame = if name == "LAG" { Frame::Rows { preceding: 1 } } else { frame };
            let plan = over(frame, Emit::Complete, name);
            let found = run(&plan, &events, i64::MAX / 4, Some(&course));
            let rows = (0..ordered.len()).map(|at| {
                let (ts, event) = &ordered[at];
                let values = in_frame(&ordered, at, frame);
                let of = match name {
                    "SUM" => values.iter().flatten().fold(None, |sum, x| Some(sum.unwrap_or(0) + x)),
                    "MAX" => values.iter().flatten().max().copied(),
                    _ => values.len().checked_sub(2).and_then(|before| values[before]),
                };
                (ts + 1, vec![Value::Int(*ts), int(event.k), int(event.x), int(of)])
            });
            let expected = Found { rows: rows.collect(), now: Vec::new(), late: 0 };
            prop_assert_eq!(found, expected.sorted(), "{}", name);
        }
    }

    #[test]
    fn rows_on_arrival(events in events(), ns in 0..400_i64, course in courses()) {
        let plan = over(Frame::Range(ns), Emit::OnArrival, "SUM");
        let found = run(&plan, &events, i64::MAX / 4, Some(&course));
        let rows = events.iter().enumerate().map(|(at, (ts, event))| {
            let arrived = events[..=at].iter().filter(|(other, it)| {
                it.k == event.k && other <= ts && *other >= ts - ns
            });
            let values = arrived.filter_map(|(_, event)| event.x);
            let sum = values.fold(None, |sum, x| Some(sum.unwrap_or(0) + x));
            vec![Value::Int(*ts), int(event.k), int(event.x), int(sum)]
        });
        let expected = Found { rows: Vec::new(), now: rows.collect(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }

    /// Counts by key and name in small windows, and the greatest of them by key in large ones: two keys, one route.
    #[test]
    fn windows_over_windows(
        events in events(),
        size in 1..100_i64,
        times in 1..4_i64,
        course in courses(),
    ) {
        let plan = cascade(size, times);
        let found = run(&plan, &events, i64::MAX / 4, Some(&course));
        let mut small = BTreeMap::<_, i64>::new();
        for (ts, event) in &events {
            *small.entry((ts.div_euclid(size), event.k, event.name.clone())).or_default() += 1;
        }
        let mut large = BTreeMap::<_, (i64, i64)>::new();
        for ((window, k, _), count) in small {
            let end = (window.div_euclid(times) + 1) * times * size;
            let (max, sum) = large.entry((end, k)).or_default();
            (*max, *sum) = ((*max).max(count), *sum + count);
        }
        let rows = large.into_iter().map(|((end, k), (max, sum))| {
            (end, vec![int(k), Value::Int(max), Value::Int(sum), Value::Int(end)])
        });
        let expected = Found { rows: rows.collect(), now: Vec::new(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }

    /// The sums of windows, each beside that of the window before.
    #[test]
    fn rows_over_windows(events in events(), size in 1..100_i64, course in courses()) {
        let scan = fields();
        let time = scan[0].ty.clone();
        let rows = Calc { filter: None, key: columns(&scan, &[1]), columns: columns(&scan, &[2]) };
        let stage_columns = vec![scan[2].clone()];
        let windows = WindowKind::Aligned(Windows::hopping(size, size).unwrap());
        let aggregates = vec![call("COUNT", Vec::new())];
        let operator = Operator::Window { windows, aggregates, emit: Emit::Complete };
        let mut first =
            Stage { key: vec![scan[1].clone()], columns: stage_columns, operator, then: Vec::new() };
        let results = first.results(&time);
        first.then = vec![Calc {
            filter: None,
            key: columns(&results, &[0]),
            columns: columns(&results, &[0, 1, 3]),
        }];
        let second_columns = vec![results[0].clone(), results[1].clone(), results[3].clone()];
        let aggregates = vec![call("LAG", columns(&second_columns, &[1]))];
        let frame = Frame::Rows { preceding: 1 };
        let operator = Operator::Over { frame, aggregates, emit: Emit::Complete };
        let mut second =
            Stage { key: vec![scan[1].clone()], columns: second_columns, operator, then: Vec::new() };
        let output = second.results(&time);
        second.then = vec![Calc { filter: None, key: Vec::new(), columns: columns(&output, &[0, 1, 2, 3]) }];
        let feed = Feed { scan: 0, expand: None, rows };
        let plan = plan(vec![feed], vec![first, second], vec![0], output);
        let found = run(&plan, &events, i64::MAX / 4, Some(&course));
        let mut counts = BTreeMap::<_, i64>::new();
        for (ts, event) in &events {
            *counts.entry((event.k, (ts.div_euclid(size) + 1) * size)).or_default() += 1;
        }
        let mut before: Option<(Option<i64>, i64)> = None;
        let rows = counts.into_iter().map(|((k, end), count)| {
            let lag = before.filter(|(key, _)| *key == k).map(|(_, count)| count);
            before = Some((k, count));
            (end, vec![int(k), Value::Int(count), Value::Int(end), int(lag)])
        });
        let expected = Found { rows: rows.collect(), now: Vec::new(), late: 0 };
        prop_assert_eq!(found, expected.sorted());
    }
}

fn cascade(size: i64, times: i64) -> Plan {
    let scan = fields();
    let time = scan[0].ty.clone();
    let rows = Calc { filter: None, key: columns(&scan, &[1, 3]), columns: Vec::new() };
    let window = |size, aggregates| Operator::Window {
        windows: WindowKind::Aligned(Windows::hopping(size, size).unwrap()),
        aggregates,
        emit: Emit::Complete,
    };
    let key = vec![scan[1].clone(), scan[3].clone()];
    let operator = window(size, vec![call("COUNT", Vec::new())]);
    let mut first = Stage { key, columns: Vec::new(), operator, then: Vec::new() };
    let results = first.results(&time);
    first.then =
        vec![Calc { filter: None, key: columns(&results, &[0]), columns: columns(&results, &[2]) }];
    let second_columns = vec![results[2].clone()];
    let of_count = |name| call(name, columns(&second_columns, &[0]));
    let operator = window(size * times, vec![of_count("MAX"), of_count("SUM")]);
    let mut second =
        Stage { key: vec![scan[1].clone()], columns: second_columns, operator, then: Vec::new() };
    let results = second.results(&time);
    let output: Vec<_> = [0, 1, 2, 4].map(|index: usize| results[index].clone()).to_vec();
    second.then =
        vec![Calc { filter: None, key: Vec::new(), columns: columns(&results, &[0, 1, 2, 4]) }];
    plan(vec![Feed { scan: 0, expand: None, rows }], vec![first, second], vec![0], output)
}

#[test]
fn what_leaves_on_arrival_is_the_last_step() {
    let mut plan = over(Frame::Range(5), Emit::OnArrival, "SUM");
    let pipeline = &mut plan.pipelines[0];
    let again = pipeline.stages[0].clone();
    pipeline.stages[0].then[0].key = pipeline.stages[0].then[0].columns[1..2].to_vec();
    pipeline.stages[0].then[0].columns.truncate(3);
    pipeline.stages.push(again);
    let scans = [layout_of(&fields()).unwrap()];
    let error = Prepared::new(&plan, &scans, &Session::default(), None).unwrap_err();
    assert!(error.to_string().contains("EMIT ON ARRIVAL belongs to the last step"), "{error}");
}

#[test]
fn the_smallest_shape_is_taken_and_what_fits_none_is_named() {
    let scans = [layout_of(&fields()).unwrap()];
    let shape = |plan: &Plan, bytes| {
        let prepared = Prepared::new(plan, &scans, &Session::default(), bytes);
        prepared.map(|prepared| prepared.shape())
    };
    let narrow = over(Frame::Range(5), Emit::Complete, "SUM");
    assert_eq!(shape(&narrow, None), Ok("Narrow"));
    assert_eq!(shape(&narrow, Some(100)), Ok("Medium"));
    assert_eq!(shape(&cascade(5, 2), None), Ok("Medium"));
    let error = shape(&narrow, Some(100_000)).unwrap_err().to_string();
    assert!(error.contains("100000 bytes") && error.contains("sql.row-bytes"), "{error}");
}

#[test]
fn a_text_that_does_not_fit_is_a_fault_of_its_row() {
    let scan = fields();
    let rows = Calc { filter: None, key: Vec::new(), columns: columns(&scan, &[3]) };
    let stage_columns = vec![scan[3].clone()];
    let then = Calc { filter: None, key: Vec::new(), columns: columns(&stage_columns, &[0]) };
    let operator = Operator::Pass;
    let stage =
        Stage { key: Vec::new(), columns: stage_columns.clone(), operator, then: vec![then] };
    let plan = plan(vec![Feed { scan: 0, expand: None, rows }], vec![stage], vec![], stage_columns);
    let event = |name: &str| Event { k: None, x: None, name: Some(name.to_owned()), f: None };
    // The row of the scan has room for more than a column of the shape.
    let events = [(1, event("ab")), (2, event(&"x".repeat(43)))];
    let scans = [layout_of(&scan).unwrap()];
    let prepared = Prepared::new(&plan, &scans, &Session::default(), None).unwrap();
    let running = Running { plan: &plan, events: &events, bound: 0, course: None };
    let (found, fault) = prepared.run(&[0], running);
    assert_eq!(found.now, [vec![Value::text("ab")]]);
    let fault = fault.unwrap().to_string();
    assert!(fault.starts_with("row 2 of input 0"), "{fault}");
}
