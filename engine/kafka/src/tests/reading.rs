//! What is read, from where, and what stops a job.

use super::*;

fn filled() -> Cluster {
    let cluster = Cluster::new(&[("numbers", 2), ("dead", 1)]);
    let rows = [(0, 0), (1, 1), (0, 2), (1, 3), (0, 4)].map(|(p, n)| (p, format!("{{\"n\":{n}}}")));
    cluster.write("numbers", &rows.each_ref().map(|(partition, value)| (*partition, &**value)));
    cluster
}

fn read(cluster: &Cluster, more: &[(&str, &str)]) -> Result<Vec<i64>, String> {
    cluster.reader("numbers", &[&[BOUNDED], more].concat())?.all()
}

#[test]
fn a_topic_is_read_from_where_the_options_say() {
    let cluster = filled();
    assert_eq!(read(&cluster, &[EARLIEST]).unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(read(&cluster, &[("scan.startup.mode", "latest-offset")]).unwrap(), [0; 0]);
    let specific = |offsets| {
        let mode = ("scan.startup.mode", "specific-offsets");
        read(&cluster, &[mode, ("scan.startup.specific-offsets", offsets)])
    };
    assert_eq!(specific("partition:0,offset:2;partition:1,offset:1").unwrap(), [3, 4]);
    assert_eq!(specific("partition:0,offset:3").unwrap(), [1, 3]);
    assert!(specific("partition:0,offset:9").unwrap_err().contains("from offset 9, and ends at 3"));
    assert!(specific("partition:2,offset:0").unwrap_err().contains("has the partitions 0 to 1"));

    cluster.commit("readers", "numbers", 1);
    let group = ("properties.group.id", "readers");
    let missing = read(&cluster, &[group]).unwrap_err();
    assert!(missing.contains("the group has committed no offset of partition 1"), "{missing}");
    let earliest = ("properties.auto.offset.reset", "earliest");
    assert_eq!(read(&cluster, &[group, earliest]).unwrap(), [1, 2, 3, 4]);
    assert!(read(&cluster, &[]).unwrap_err().contains("needs the option 'properties.group.id'"));
}

#[test]
fn what_is_known_of_a_message_is_in_its_row() {
    let cluster = filled();
    let mut rows = cluster.reader("numbers", &[BOUNDED, EARLIEST]).unwrap();
    let mut found = None;
    while let Some(row) = rows.next().unwrap() {
        found = found.or((row[1] == Value::Int(3)).then_some(row));
    }
    let headers = vec![(Value::text("by"), Value::text("test"))];
    let expected = [
        Value::text("key of {\"n\":3}"),
        Value::Int(3),
        Value::Int(1),
        Value::Int(1),
        Value::text("numbers"),
        Value::Int(1_700_000_000_000_000_000),
        Value::Map(headers),
    ];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn a_message_that_is_no_row_stops_the_job_or_is_left_out_or_goes_to_the_dead_letters() {
    let cluster = filled();
    cluster.write("numbers", &[(0, "{\"n\":"), (0, "{\"n\":\"x\"}"), (0, "{\"n\":7}")]);
    let failed = read(&cluster, &[EARLIEST]).unwrap_err();
    assert!(failed.contains("partition 0, offset 3: no JSON object"), "{failed}");

    let skip = [BOUNDED, EARLIEST, ("on-error", "skip")];
    let mut rows = cluster.reader("numbers", &skip).unwrap();
    assert_eq!(rows.all().unwrap(), [0, 1, 2, 3, 4, 7]);
    let counted = [
        ("messages left out: a value can not be read".to_owned(), 1),
        ("messages left out: no JSON object".to_owned(), 1),
    ];
    assert_eq!(rows.reader.skipped(), counted);

    let dead = [BOUNDED, EARLIEST, ("on-error", "dead-letter"), ("dead-letter.topic", "dead")];
    let mut rows = cluster.reader("numbers", &dead).unwrap();
    assert_eq!(rows.all().unwrap(), [0, 1, 2, 3, 4, 7]);
    let letters = cluster.read("dead");
    assert_eq!(letters.len(), 2);
    assert_eq!(
        (letters[1].key.as_deref(), &*letters[1].value),
        (Some("key of {\"n\":\"x\"}"), "{\"n\":\"x\"}")
    );
    let headers = [
        ("by", "test"),
        ("tidewire.offset", "4"),
        ("tidewire.partition", "0"),
        ("tidewire.reason", "column 'n': '\"x\"' is no INT"),
        ("tidewire.topic", "numbers"),
    ];
    assert_eq!(letters[1].headers, headers.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn a_read_goes_on_from_its_place() {
    let cluster = filled();
    let mut rows = cluster.reader("numbers", &[EARLIEST]).unwrap();
    assert_eq!(rows.reader.position().unwrap().unwrap(), "numbers 0=0 1=0");
    let mut read = vec![rows.number().unwrap().unwrap(), rows.number().unwrap().unwrap()];
    let place = rows.reader.position().unwrap().unwrap();
    drop(rows);
    let mut rows = cluster.reader("numbers", &[EARLIEST]).unwrap();
    assert!(rows.reader.resume(&place).unwrap());
    assert_eq!(rows.reader.position().unwrap().unwrap(), place);
    read.extend((0..3).map(|_| rows.number().unwrap().unwrap()));
    read.sort_unstable();
    assert_eq!(read, [0, 1, 2, 3, 4]);
    assert_eq!(rows.reader.position().unwrap().unwrap(), "numbers 0=3 1=2");
}

#[test]
fn a_bounded_read_ends_where_it_would_have_ended_when_it_began() {
    let cluster = filled();
    let mut rows = cluster.reader("numbers", &[BOUNDED, EARLIEST]).unwrap();
    let place = rows.reader.position().unwrap().unwrap();
    assert_eq!(place, "numbers 0=0/3 1=0/2");
    cluster.write("numbers", &[(0, "{\"n\":5}")]);
    assert_eq!(rows.all().unwrap(), [0, 1, 2, 3, 4]);
    let mut again = cluster.reader("numbers", &[BOUNDED, EARLIEST]).unwrap();
    again.reader.resume("numbers 0=2/3 1=2/2").unwrap();
    assert_eq!(again.all().unwrap(), [4]);
    assert_eq!(again.reader.position().unwrap().unwrap(), "numbers 0=3/3 1=2/2");
}

#[test]
fn a_place_that_is_not_there_any_more_is_an_error() {
    let cluster = filled();
    let resume = |place: &str| {
        let mut rows = cluster.reader("numbers", &[EARLIEST]).unwrap();
        rows.reader.resume(place).unwrap_err().to_string()
    };
    let fewer = resume("numbers 0=1 1=1 2=0");
    assert!(fewer.contains("it has 2 partition(s), and the snapshot knows 3"), "{fewer}");
    let beyond = resume("numbers 0=1 1=9");
    assert!(beyond.contains("partition 1 is to be read from offset 9, and ends at 2"), "{beyond}");
    assert!(resume("others 0=1").contains("the snapshot is of the topic others"));
    assert!(resume("numbers 0").contains("which is no place in a topic"));
}

#[test]
fn offsets_of_a_durable_snapshot_are_committed_to_the_group() {
    let cluster = filled();
    let mut rows = cluster.reader("numbers", &[EARLIEST, ("properties.group.id", "seen")]).unwrap();
    rows.number().unwrap();
    rows.reader.durable("numbers 0=2 1=1");
    let mut committed = None;
    for _ in 0..200 {
        committed = cluster.committed("seen", "numbers");
        if committed.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(committed, Some(2));
}

#[test]
fn what_is_wrong_with_a_table_is_said() {
    let cluster = filled();
    let error =
        |topic: &str, more: &[(&str, &str)]| cluster.reader(topic, more).map(|_| ()).unwrap_err();
    let unknown = error("numbers", &[EARLIEST, ("scan.startup.mod", "x")]);
    assert!(unknown.contains("(did you mean 'scan.startup.mode'?)"), "{unknown}");
    let property = error("numbers", &[EARLIEST, ("properties.fetch.min.byte", "1")]);
    assert!(property.starts_with("the option 'properties.fetch.min.byte' is '1'"), "{property}");
    let own = error("numbers", &[EARLIEST, ("properties.transactional.id", "x")]);
    assert!(own.contains("take sink.transactional-id-prefix"), "{own}");
    let mode = error("numbers", &[("scan.startup.mode", "first")]);
    assert!(mode.contains("earliest-offset, latest-offset, group-offsets"), "{mode}");
    let alone = error("numbers", &[EARLIEST, ("scan.startup.timestamp-millis", "5")]);
    assert!(alone.contains("it goes with 'scan.startup.mode' = 'timestamp'"), "{alone}");
    let letters = error("numbers", &[EARLIEST, ("on-error", "dead-letter")]);
    assert!(letters.contains("needs the option 'dead-letter.topic'"), "{letters}");
}
