use super::*;

const SENT_AGAIN: &str = "messages that the broker sent again and that were known";

#[test]
fn a_message_is_acknowledged_and_known_when_it_comes_again_also_after_a_restart() {
    let peer = Peer::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let given = [("client.id", "c"), ("journal.path", &*path)];
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, connect) = peer.accept();
        // A session that is kept, 60 s, and its name.
        assert_eq!(&connect[9..], b"\0\0\x3C\0\x01c");
        line.say(NEW);
        line.hears(SUBSCRIBE_1);
        line.say(SUBACK_1);
        line.say(b"\x32\x06\0\x01t\0\x07a");
        line.hears(b"\x40\x02\0\x07");
        // It never heard that; and what comes of it again is acknowledged, and no row.
        drop(line);
        let (mut line, _) = peer.accept();
        line.say(PRESENT);
        line.say(b"\x3A\x06\0\x01t\0\x07a\x32\x06\0\x01t\0\x08a");
        line.hears(b"\x40\x02\0\x07");
        line.hears(b"\x40\x02\0\x08");
        // The process dies, and the broker has not heard the last one.
        line.ends();
        let (mut line, _) = peer.accept();
        line.say(PRESENT);
        line.say(b"\x3A\x06\0\x01t\0\x08a\x3A\x06\0\x01t\0\x09a");
        line.hears(b"\x40\x02\0\x08");
        line.hears(b"\x40\x02\0\x09");
        line
    });
    let mut reader = open(&url, &given).unwrap();
    assert_eq!(texts(&mut *reader, 2), ["a", "a"]);
    assert_eq!(count_of(&reader.counts(), SENT_AGAIN), 1);
    assert_eq!(count_of(&reader.counts(), "connections"), 2);
    assert_eq!(count_of(&reader.troubles(), "the connection was closed"), 1);
    let place = reader.position().unwrap().unwrap();
    drop(reader);
    let mut reader = open(&url, &given).unwrap();
    assert!(reader.resume(&place).unwrap());
    assert_eq!(texts(&mut *reader, 1), ["a"]);
    assert_eq!(count_of(&reader.counts(), SENT_AGAIN), 1);
    assert!(reader.skipped().is_empty(), "{:?}", reader.skipped());
    broker.join().unwrap();
}

#[test]
fn at_qos_2_a_message_is_held_until_it_is_released() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(SUBSCRIBE_2);
        line.say(SUBACK_2);
        line.say(b"\x34\x06\0\x01t\0\x05a");
        line.hears(b"\x50\x02\0\x05");
        drop(line);
        let (mut line, _) = peer.accept();
        line.say(PRESENT);
        line.say(b"\x3C\x06\0\x01t\0\x05a");
        line.hears(b"\x50\x02\0\x05");
        line.say(b"\x62\x02\0\x05");
        line.hears(b"\x70\x02\0\x05");
        // An identifier that nobody holds is let go of too.
        line.say(b"\x62\x02\0\x06\x34\x06\0\x01t\0\x05a");
        line.hears(b"\x70\x02\0\x06");
        line.hears(b"\x50\x02\0\x05");
        line
    });
    let mut reader =
        open(&url, &[("client.id", "c"), ("qos", "2"), ("journal.mode", "off")]).unwrap();
    assert_eq!(texts(&mut *reader, 2), ["a", "a"]);
    assert_eq!(count_of(&reader.counts(), SENT_AGAIN), 1);
    broker.join().unwrap();
}

#[test]
fn a_session_that_the_broker_has_lost_is_said_and_subscribed_anew() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        for _ in 0..2 {
            let (mut line, _) = peer.accept();
            line.say(NEW);
            line.hears(SUBSCRIBE_1);
            line.say(SUBACK_1);
            line.say(b"\x32\x06\0\x01t\0\x01a");
            line.hears(b"\x40\x02\0\x01");
        }
    });
    let mut reader = open(&url, &[("client.id", "c"), ("journal.mode", "off")]).unwrap();
    assert_eq!(texts(&mut *reader, 2), ["a", "a"]);
    let what = "sessions that the broker did not have any more, with what it had not sent";
    assert_eq!(count_of(&reader.skipped(), what), 1);
    broker.join().unwrap();
}

#[test]
fn what_a_broker_refuses_is_an_error_and_not_tried_again() {
    for (answer, says) in [
        (b"\x20\x02\0\x05", "'username' and 'password' are wrong or missing"),
        (b"\x20\x02\0\x04", "refuses 'username' and 'password'"),
        (b"\x20\x02\0\x02", "refuses 'client.id'"),
        (b"\x20\x02\0\x01", "does not speak MQTT 3.1.1"),
    ] {
        let peer = Peer::new();
        let url = peer.url();
        let given = [("username", "ann"), ("password", "secret")];
        let mut reader = open(&url, &given).unwrap();
        let broker = thread::spawn(move || {
            let (mut line, connect) = peer.accept();
            // A new session without a name, with a login.
            assert_eq!(&connect[9..], b"\xC2\0\x3C\0\0\0\x03ann\0\x06secret");
            line.say(answer);
            line.ends();
        });
        let error = error(&mut *reader);
        assert!(error.starts_with(&url) && error.contains(says), "{error}");
        broker.join().unwrap();
    }
    for (answer, says) in [
        (b"\x90\x03\0\x01\x80", "the broker refuses the subscription to 't'"),
        (b"\x90\x03\0\x01\x00", "gives 't' at qos 0 only, and 1 is asked for"),
    ] {
        let peer = Peer::new();
        let url = peer.url();
        let mut reader = open(&url, &[]).unwrap();
        let broker = thread::spawn(move || {
            let (mut line, _) = peer.accept();
            line.say(NEW);
            line.hears(SUBSCRIBE_1);
            line.say(answer);
            line
        });
        let error = error(&mut *reader);
        assert!(error.contains(says), "{error}");
        broker.join().unwrap();
    }
}

#[test]
fn a_broker_that_is_not_available_or_talks_nonsense_is_tried_again() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        for answer in [&b"\x20\x02\0\x03"[..], b"\xF0\x01x", b"\x40\x02\0\x01"] {
            let (mut line, _) = peer.accept();
            line.say(answer);
            line.ends();
        }
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(SUBSCRIBE_1);
        line.say(SUBACK_1);
        line.say(b"\x30\x04\0\x01ta");
        line
    });
    let mut reader = open(&url, &[("journal.mode", "off")]).unwrap();
    assert_eq!(texts(&mut *reader, 1), ["a"]);
    let troubles = reader.troubles();
    for what in [
        "the broker is not available",
        "what came is no packet of MQTT 3.1.1",
        "a packet that has no place there",
    ] {
        assert_eq!(count_of(&troubles, what), 1, "{troubles:?}");
    }
    broker.join().unwrap();
}

#[test]
fn a_connection_that_is_quiet_is_pinged_and_one_that_does_not_answer_is_made_anew() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(SUBSCRIBE_1);
        line.say(SUBACK_1);
        line.hears(b"\xC0\0");
        line.say(b"\xD0\0");
        line.hears(b"\xC0\0");
        let (mut next, _) = peer.accept();
        next.say(PRESENT);
        next
    });
    let mut reader =
        open(&url, &[("keep.alive", "1 s"), ("client.id", "c"), ("journal.mode", "off")]).unwrap();
    until(&mut *reader, |reader| count_of(&reader.counts(), "connections") == 2);
    assert_eq!(count_of(&reader.troubles(), "the broker does not answer"), 1);
    broker.join().unwrap();
}

#[test]
fn a_message_that_is_too_long_stops_the_job() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(SUBSCRIBE_1);
        line.say(SUBACK_1);
        // Its remaining length says 2 MiB.
        line.say(b"\x30\x80\x80\x80\x01\0\x01t");
        line
    });
    let mut reader = open(&url, &[("journal.mode", "off")]).unwrap();
    let error = error(&mut *reader);
    assert!(error.contains("a message of 2097152 bytes: at most 1048576 are read"), "{error}");
    broker.join().unwrap();
}

#[test]
fn columns_of_metadata_and_options_are_checked() {
    let url = "mqtt://127.0.0.1:1";
    let unknown = open(url, &[("qoss", "1")]).unwrap_err().to_string();
    assert!(unknown.contains("knows no option 'qoss' (did you mean 'qos'?)"), "{unknown}");
    let metadata = |key: &str, ty: DataType| {
        let text = Column::physical(Field::new("text", DataType::String));
        let column = Column { metadata: Some(key.to_owned()), field: Field::new("m", ty) };
        let columns = Columns::all(vec![text, column]).unwrap();
        Mqtt.readers(options(url, &[]), &columns).map(drop).map_err(|error| error.to_string())
    };
    metadata("level.3", DataType::String).unwrap();
    metadata("received", DataType::TimestampLtz(9)).unwrap();
    let error = metadata("topc", DataType::String).unwrap_err();
    assert!(error.contains("(did you mean 'topic'?)"), "{error}");
    let error = metadata("level.0", DataType::String).unwrap_err();
    assert!(error.contains("level.1 and so on"), "{error}");
    let error = metadata("qos", DataType::String).unwrap_err();
    assert!(error.contains("the column is STRING, and must be INT"), "{error}");
    let needs = open(url, &[]).unwrap().needs_journal().unwrap().to_string();
    assert!(needs.contains("'journal.path'"), "{needs}");
}
