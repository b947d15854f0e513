use proptest::prelude::*;
use tidewire_event::text::read_timestamp;

use super::*;

fn at(text: &str) -> i64 {
    read_timestamp(text.as_bytes()).unwrap()
}

#[test]
fn letters_are_written() {
    let ns = at("2020-05-03 14:05:06.789");
    let cases = [
        ("yyyy-MM-dd HH:mm:ss.SSS", "2020-05-03 14:05:06.789"),
        ("yy M d H h hh m s S SS SSSSSS n", "20 5 3 14 2 02 5 6 7 78 789000 789000000"),
        ("E EEEE EEEEE MMM MMMM a D k kk K KK", "Sun Sunday S May May PM 124 14 14 2 02"),
        ("yyyy'T'HH ''", "2020T14 '"),
        ("Q QQQ u e G", "2 Q2 2020 1 AD"),
    ];
    for (pattern, wanted) in cases {
        let mut text = String::new();
        write(&mut text, pattern, ns, 0, Style::Formatter).unwrap();
        assert_eq!(text, wanted, "{pattern}");
    }
    let mut text = String::new();
    write(&mut text, "E u a K Z X XXX S SSS", 0, 2 * HOUR, Style::Simple).unwrap();
    assert_eq!(text, "Thu 4 AM 0 +0200 +02 +02:00 0 000");
}

#[test]
fn letters_are_read() {
    let cases = [
        ("2020/05/03 10:11", "yyyy/MM/dd HH:mm", Some("2020-05-03 10:11")),
        ("2020-05-03 10:11:12.1", "yyyy-MM-dd HH:mm:ss.SSS", Some("2020-05-03 10:11:12.1")),
        ("2020-05-03 12:11 AM", "yyyy-MM-dd hh:mm a", Some("2020-05-03 00:11")),
        ("2020-05-03 10:11 PM", "yyyy-MM-dd hh:mm a", Some("2020-05-03 22:11")),
        ("20200503101112", "yyyyMMddHHmmss", Some("2020-05-03 10:11:12")),
        ("2020-5-3", "yyyy-MM-dd", Some("2020-05-03")),
        ("2020-02-30", "yyyy-MM-dd", Some("2020-02-29")),
        ("2020-05-03 25:11:12", "yyyy-MM-dd HH:mm:ss", Some("2020-05-04 01:11:12")),
        ("2020-05-03T10:11Z", "yyyy-MM-dd'T'HH:mm'Z'", Some("2020-05-03 10:11")),
        ("Sun May 03 2020", "E MMM dd yyyy", Some("2020-05-03")),
        ("2020 124", "yyyy DDD", Some("2020-05-03")),
        ("20-5-3", "yy-M-d", Some("2020-05-03")),
        ("2020-05", "yyyy-MM", Some("2020-05-01")),
        ("2020-13-03", "yyyy-MM-dd", None),
        ("2020-04-32", "yyyy-MM-dd", None),
        ("2020-05-03 10", "yyyy-MM-dd HH:mm", None),
        ("2020-05-03 12:11 am", "yyyy-MM-dd hh:mm a", None),
        ("12020-05-03", "yyyy-MM-dd", None),
    ];
    for (text, pattern, wanted) in cases {
        let ns = read(text, pattern, Style::Formatter).map(|(ns, ..)| ns);
        assert_eq!(ns, wanted.map(at), "{text} as {pattern}");
    }
    let simple = |text, pattern| read(text, pattern, Style::Simple);
    assert_eq!(simple("30/02/2020 x", "dd/MM/yyyy"), Some((at("2020-03-01"), None, " x")));
    assert_eq!(simple("03/13/2020", "dd/MM/yyyy").unwrap().0, at("2021-01-03"));
    assert_eq!(simple("1970-01-02 +0200", "yyyy-MM-dd Z").unwrap().1, Some(2 * HOUR));
}

#[test]
fn what_is_not_supported_is_said() {
    assert!(check("yyyy-MM-dd'T'HH:mm:ss", true).is_ok());
    for bad in ["bad", "yyyy[MM]", "T", "VV"] {
        assert!(check(bad, false).is_err(), "{bad}");
    }
    assert!(check("G", true).is_err());
}

proptest! {
    #[test]
    fn nothing_is_too_wild(
        text in "[0-9:+\\-ä AMPZ]{0,20}", pattern in "[yuMLdDEeaHhKkmsSnNAQqXZG' :äb-]{0,12}",
        ns in any::<i64>(),
    ) {
        let mut out = String::new();
        for style in [Style::Formatter, Style::Simple] {
            let _ = read(&text, &pattern, style);
            let _ = write(&mut out, &pattern, ns, ns % DAY, style);
        }
    }

    #[test]
    fn what_was_written_is_read(ns in -5_000_000_000_000_000_000_i64..9_000_000_000_000_000_000) {
        for pattern in ["yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "yyyyMMddHHmmssSSSSSSSSS", "D yyyy K:m:s.SSSSSSSSS a"] {
            let mut text = String::new();
            write(&mut text, pattern, ns, 0, Style::Formatter).unwrap();
            prop_assert_eq!(read(&text, pattern, Style::Formatter), Some((ns, None, "")));
        }
    }
}
