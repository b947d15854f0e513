use super::*;

#[test]
fn an_epoch_is_prepared_when_all_is_acknowledged_and_what_is_not_is_sent_again() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, connect) = peer.accept();
        // A session of its own that nobody pings, beside that of a reader.
        assert_eq!(&connect[9..], b"\x02\0\0\0\x06c-sink");
        line.say(NEW);
        line.hears(b"\x32\x06\0\x01t\0\x01a");
        line.hears(b"\x32\x06\0\x01t\0\x02b");
        line.say(b"\x40\x02\0\x01");
        drop(line);
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(b"\x3A\x06\0\x01t\0\x02b");
        line.say(b"\x40\x02\0\x02");
        line.ends();
    });
    let mut writer = writer(&url, &[("client.id", "c")]).unwrap();
    writer.row(&row("a")).unwrap();
    writer.row(&row("b")).unwrap();
    assert_eq!(writer.prepare(1).unwrap(), Some(Vec::new()));
    // It would have waited for an answer that never came.
    assert_eq!(count_of(&writer.troubles(), "the connection was closed"), 1);
    writer.finish().unwrap();
    drop(writer);
    broker.join().unwrap();
}

#[test]
fn at_qos_2_the_identifier_is_released_and_at_qos_0_nothing_is_waited_for() {
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(b"\x35\x06\0\x01t\0\x01a");
        line.say(b"\x50\x02\0\x01");
        line.hears(b"\x62\x02\0\x01");
        line.say(b"\x70\x02\0\x01");
        line.ends();
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line.hears(b"\x30\x04\0\x01ta");
        line.ends();
    });
    for (qos, retain) in [("2", "true"), ("0", "false")] {
        let mut writer = writer(&url, &[("qos", qos), ("sink.retain", retain)]).unwrap();
        writer.row(&row("a")).unwrap();
        writer.prepare(1).unwrap();
    }
    broker.join().unwrap();
}

#[test]
fn what_is_no_topic_or_refused_is_an_error() {
    let refuse = |given: &[(&str, &str)]| {
        writer("mqtt://127.0.0.1:1", given).map(drop).unwrap_err().to_string()
    };
    let wild = refuse(&[("topic", "a/+")]);
    assert!(wild.contains("'sink.topic-field'"), "{wild}");
    let field = refuse(&[("sink.topic-field", "txt")]);
    assert!(field.contains("no column 'txt' (did you mean 'text'?)"), "{field}");
    let peer = Peer::new();
    let url = peer.url();
    let broker = thread::spawn(move || {
        let (mut line, _) = peer.accept();
        line.say(b"\x20\x02\0\x05");
        line.ends();
        let (mut line, _) = peer.accept();
        line.say(NEW);
        line
    });
    let error = writer(&url, &[]).map(drop).unwrap_err().to_string();
    assert!(error.starts_with(&url) && error.contains("the broker refuses"), "{error}");
    let mut writer = writer(&url, &[("sink.topic-field", "text"), ("topic", "#")]).unwrap();
    let error = writer.row(&row("a/#")).unwrap_err().to_string();
    assert!(error.contains("'a/#' is no topic to write to"), "{error}");
    broker.join().unwrap();
}
