//! Speeds that change too fast.

use std::io::Read;

use tidewire::prelude::*;
use tidewire_tests::shared_capture;

use super::can_alerts::{Alert, CHANGE_MAX, SIZE, SLIDE, alerts, frames};

/// Times and speeds, cut out of the text of the log by column; every checksum in it is right.
fn speeds(log: &str) -> Vec<(i64, i32)> {
    let speeds = log.lines().filter(|line| line.contains("can0 0B4#"));
    let read = |line: &str| {
        let (time, _) = line[1..].split_once(')').unwrap();
        let ts = time.replace('.', "").parse::<i64>().unwrap() * MICROSECOND;
        let (_, data) = line.split_once('#').unwrap();
        (ts, i32::from_str_radix(&data[10..14], 16).unwrap())
    };
    speeds.map(read).collect()
}

#[test]
fn the_alerts_are_those_of_every_window_gone_through() {
    let name = "vehicle/comma2k19_Example1_seg40_raw_can.derived_candump.log.zst";
    let Some(path) = shared_capture(name) else { return };
    let (frames, broken) = frames(&path).unwrap();
    assert_eq!((frames.len(), broken), (135_468, 0));

    let mut log = String::new();
    zstd::Decoder::new(std::fs::File::open(path).unwrap())
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    let speeds = speeds(&log);
    assert_eq!(speeds.len(), 2_487);
    let (begin, end) = (speeds[0].0, speeds[speeds.len() - 1].0);
    let mut expected = Vec::new();
    let mut start = (begin - SIZE) / SLIDE * SLIDE;
    while start <= end {
        let window = Window { start, end: start + SIZE };
        let inside: Vec<_> = speeds.iter().filter(|(ts, _)| window.contains(*ts)).collect();
        if let (Some((_, from)), Some((_, to))) = (inside.first(), inside.last())
            && (to - from).abs() > CHANGE_MAX
        {
            expected.push(Alert { window, bus: 0, from: *from, to: *to });
        }
        start += SLIDE;
    }
    assert!(expected.len() > 3);
    for threads in [Threads::Inline, Threads::Shards(2)] {
        let options = Options { threads, ..Options::default() };
        assert_eq!(alerts(frames.clone(), &options).unwrap(), expected);
    }
}
