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
