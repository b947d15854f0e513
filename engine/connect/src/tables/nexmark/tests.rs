use std::collections::BTreeSet;

use super::super::testing::{options, read_all};
use super::super::{columns_of, readers};
use super::*;

fn rows(given: &[(&str, &str)]) -> Vec<Vec<Value>> {
    let own = columns_of(&options("nexmark", given), &[]).unwrap().unwrap();
    let columns = Columns::all(own.columns).unwrap();
    read_all(readers(options("nexmark", given), &columns).unwrap()[0].as_mut(), &columns).unwrap()
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(it) => *it,
        other => panic!("{other:?}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Bytes(it) => String::from_utf8(it.clone()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_fifty_events_one_is_a_person_three_are_auctions() {
    let count = |stream| rows(&[("stream", stream), ("events", "5000")]).len();
    assert_eq!((count("person"), count("auction"), count("bid")), (100, 300, 4600));
    assert_eq!(count("event"), 5000);
}

#[test]
fn events_are_those_of_the_streams() {
    let given = |stream| [("stream", stream), ("events", "1000"), ("seed", "3"), ("rate", "100")];
    let all = rows(&given("event"));
    for (at, stream) in ["person", "auction", "bid"].into_iter().enumerate() {
        let of: Vec<_> = all.iter().filter(|row| row[0] == Value::Int(at as i64)).collect();
        let inside: Vec<_> = of
            .iter()
            .map(|row| match &row[at + 1] {
                Value::List(values) => values.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(inside, rows(&given(stream)), "{stream}");
        assert!(of.iter().all(|row| row.iter().filter(|it| **it == Value::Null).count() == 2));
    }
    let times: Vec<_> = all.iter().map(|row| int(&row[4])).collect();
    let expected: Vec<_> = (0..1000).map(|at| BASE_TIME + at * 10_000_000).collect();
    assert_eq!(times, expected);
}

#[test]
fn a_bid_names_an_auction_that_is_open_and_a_person_who_is_there() {
    let bids = rows(&[("stream", "bid"), ("events", "100000")]);
    let (mut hot, mut prices, mut channels) = (0, [0; 7], BTreeSet::new());
    for (at, bid) in bids.iter().enumerate() {
        let id = at as u64 / 46 * 50 + at as u64 % 46 + 4;
        let (auction, bidder) = (int(&bid[0]), int(&bid[1]));
        let newest = 1_000 + (id / 50 * 3 + 2) as i64;
        assert!((newest - 202..=newest + 10).contains(&auction), "{auction} at {id}");
        assert!((1_000..=1_000 + (id / 50) as i64 + 11).contains(&bidder), "{bidder} at {id}");
        hot += u32::from((auction - 1_000) % 100 == 0);
        prices[int(&bid[2]).ilog10() as usize - 2] += 1;
        channels.insert(text(&bid[3]));
        assert!(text(&bid[4]).starts_with("https://www.nexmark.com/"));
        assert!((54..82).contains(&text(&bid[6]).len()));
    }
    assert!((46_000..49_000).contains(&hot), "{hot}");
    assert!(prices[..6].iter().all(|count| (14_500..16_200).contains(count)), "{prices:?}");
    assert!(channels.contains("Apple") && channels.len() > 9_000);
}

#[test]
fn an_auction_ends_after_it_began() {
    let auctions =
        rows(&[("stream", "auction"), ("events", "10000"), ("base-time", "2020-01-01T00:00:00Z")]);
    for (at, auction) in auctions.iter().enumerate() {
        assert_eq!(int(&auction[0]), 1_000 + at as i64);
        assert!(int(&auction[6]) > int(&auction[5]));
        assert!(int(&auction[4]) > int(&auction[3]));
        assert!((10..15).contains(&int(&auction[8])));
    }
    assert_eq!(int(&auctions[0][5]), 1_577_836_800_000_000_000);
}

#[test]
fn an_id_may_begin_later() {
    let from = |first| {
        let given = [("stream", "person"), ("events", "500"), ("first-event-id", first)];
        rows(&given).iter().map(|row| int(&row[0])).collect::<Vec<_>>()
    };
    assert_eq!(from("0"), (1_000..1_010).collect::<Vec<_>>());
    assert_eq!(from("5000"), (1_100..1_110).collect::<Vec<_>>());
}

#[test]
fn a_table_may_declare_some_columns() {
    let declared = |name: &str, ty| {
        let columns = Columns::all(vec![Column::physical(Field::new(name, ty))]).unwrap();
        let given = options("nexmark", &[("stream", "bid"), ("events", "50")]);
        Ok::<_, TableError>(read_all(readers(given, &columns)?[0].as_mut(), &columns)?.len())
    };
    assert_eq!(declared("price", DataType::BigInt).unwrap(), 46);
    assert_eq!(declared("url", DataType::VarChar(200)).unwrap(), 46);
    assert_eq!(
        declared("prize", DataType::BigInt).unwrap_err().to_string(),
        "the option 'column' is 'prize': the stream has no such column (did you mean 'price'?); it has auction, bidder, price, channel, url, dateTime, extra"
    );
    assert_eq!(
        declared("price", DataType::Int).unwrap_err().to_string(),
        "the option 'column' is 'price': it is price BIGINT"
    );
}
