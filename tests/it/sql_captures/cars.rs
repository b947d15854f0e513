//! A car's bus.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use super::super::sql_rows::rows;
use super::capture;

const LOG: &str = "vehicle/comma2k19_Example1_seg40_raw_can.derived_candump.log.zst";

/// The text of a log.
fn log(path: &str) -> String {
    let mut log = String::new();
    zstd::Decoder::new(File::open(path).unwrap()).unwrap().read_to_string(&mut log).unwrap();
    log
}

#[test]
fn frames_are_counted_by_identifier() {
    let Some(path) = capture(LOG) else { return };
    let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
    for line in log(&path).lines() {
        let (head, _) = line.split_once('#').unwrap();
        let id = u32::from_str_radix(head.rsplit_once(' ').unwrap().1, 16).unwrap();
        *expected.entry(id).or_default() += 1;
    }
    assert_eq!((expected.len(), expected.values().sum::<u64>()), (165, 135_468));
    let found = rows(&format!(
        "CREATE TABLE frames WITH ('connector' = 'candump', 'path' = '{path}');
         SELECT can_id, COUNT(*) FROM TUMBLE(TABLE frames, DESCRIPTOR(ts_event), INTERVAL '10000' DAY)
         GROUP BY window_start, window_end, can_id"
    ));
    let found: BTreeMap<u32, u64> =
        found.iter().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect();
    assert_eq!(found, expected);
}

#[test]
fn speeds_are_read_out_of_the_bytes() {
    let Some(path) = capture(LOG) else { return };
    // Bytes 5 and 6 of the frame 0B4 are the speed, in 0.01 km/h.
    let speed = |line: &str| {
        let (_, data) = line.split_once("can0 0B4#")?;
        Some(u32::from_str_radix(&data[10..14], 16).unwrap())
    };
    let expected: Vec<_> = log(&path).lines().filter_map(speed).collect();
    // A byte is where its character stands among all characters of one byte.
    let bytes: String = (0..=255).map(|byte| format!("{byte:02X}")).collect();
    let byte = |at: u32| {
        let text = format!("SUBSTRING(DECODE(data, 'ISO-8859-1'), {at}, 1)");
        format!("(LOCATE({text}, DECODE(X'{bytes}', 'ISO-8859-1')) - 1)")
    };
    let found = rows(&format!(
        "CREATE TABLE frames WITH ('connector' = 'candump', 'path' = '{path}');
         SELECT {} * 256 + {} FROM frames WHERE can_id = 180 AND interface = 'can0'",
        byte(6),
        byte(7)
    ));
    let found: Vec<u32> = found.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!((expected.len(), found == expected), (2_487, true));
}
