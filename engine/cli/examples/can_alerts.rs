//! Alerts where a car's speed changes by more than five km/h within a second, from a log of its CAN bus.
//!
//! The log is that of `candump` in zstd, `(seconds) bus id#data` in a line. Speed is in frame 0B4, as opendbc describes it
//! for Toyota: bytes 5 and 6, big-endian, in 0.01 km/h; byte 7 is a checksum over id, length and the bytes before it. The
//! windows are a second long and begin every 250 ms.
//!
//! `cargo run --release -p tidewire --example can_alerts -- candump.log.zst`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use tidewire::aggregates::{first, last};
use tidewire::prelude::*;

const SPEED: u32 = 0x0b4;
pub(crate) const SLIDE: i64 = 250 * MILLISECOND;
pub(crate) const SIZE: i64 = SECOND;
/// 5 km/h.
pub(crate) const CHANGE_MAX: i32 = 500;

/// A frame of at most eight bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CanFrame {
    pub(crate) ts: i64,
    pub(crate) bus: u8,
    pub(crate) id: u32,
    len: u8,
    data: [u8; 8],
}

impl CanFrame {
    /// Reads a line; `None` if it is no frame.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let time = words.next()?.strip_prefix('(')?.strip_suffix(')')?;
        let (seconds, micros) = time.split_once('.').filter(|(_, micros)| micros.len() == 6)?;
        let micros = seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
        let bus = words.next()?.strip_prefix("can")?.parse().ok()?;
        let (id, hex) = words.next()?.split_once('#')?;
        let mut data = [0; 8];
        for (at, byte) in data.iter_mut().enumerate().take(hex.len() / 2) {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        let len = u8::try_from(hex.len() / 2).ok().filter(|len| *len <= 8)?;
        let id = u32::from_str_radix(id, 16).ok()?;
        Some(Self { ts: micros * MICROSECOND, bus, id, len, data })
    }

    /// The speed in 0.01 km/h, of a frame that has one and whose checksum is right.
    fn speed(&self) -> Option<i32> {
        let [.., high, low, checksum] = self.data;
        let [id_high, id_low] = (self.id as u16).to_be_bytes();
        let summed = [id_high, id_low, self.len].into_iter().chain(self.data[..7].iter().copied());
        let is_right = summed.fold(0, u8::wrapping_add) == checksum;
        (self.id == SPEED && self.len == 8 && is_right)
            .then(|| i32::from(u16::from_be_bytes([high, low])))
    }
}

/// A window in which the speed changed too fast: on which bus, and from what to what, in 0.01 km/h.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Alert {
    pub(crate) window: Window,
    pub(crate) bus: u8,
    pub(crate) from: i32,
    pub(crate) to: i32,
}

/// The frames of a log, and how many of its lines are none.
pub(crate) fn frames(path: &Path) -> Result<(Vec<CanFrame>, u64), Box<dyn Error>> {
    let (mut frames, mut broken) = (Vec::new(), 0);
    for line in BufReader::new(zstd::Decoder::new(File::open(path)?)?).lines() {
        match CanFrame::read(&line?) {
            Some(frame) => frames.push(frame),
            None => broken += 1,
        }
    }
    Ok((frames, broken))
}

/// The pipeline.
pub(crate) fn alerts(
    frames: Vec<CanFrame>,
    options: &Options,
) -> Result<Vec<Alert>, Box<dyn Error>> {
    let found = stream(events(frames, |frame| frame.ts))
        .watermark(Monotonic::new)
        .flat_map(|frame: CanFrame| frame.speed().map(|speed| (frame.bus, speed)))
        .key_by(|(bus, _): &(u8, i32)| *bus)
        .window(Windows::hopping(SLIDE, SIZE)?)
        .aggregate((first(|(_, speed): &(u8, i32)| *speed), last(|(_, speed): &(u8, i32)| *speed)))
        .collect(options)?;
    let alert = |row: WindowRow<u8, (Option<i32>, Option<i32>)>| {
        let (from, to) = row.value.0.zip(row.value.1)?;
        let alert = Alert { window: row.window, bus: row.key, from, to };
        ((to - from).abs() > CHANGE_MAX).then_some(alert)
    };
    Ok(found.sink.rows.into_iter().filter_map(alert).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which log? give the path of a zstd file")?;
    let path = Path::new(&path);
    let (frames, broken) = frames(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let begin = frames.first().map_or(0, |frame| frame.ts);
    println!("{} frames, {broken} lines that are none", frames.len());
    for Alert { window, bus, from, to } in alerts(frames, &Options::default())? {
        let seconds = (window.end - begin) as f64 / SECOND as f64;
        let [from, to] = [from, to].map(|speed| f64::from(speed) / 100.0);
        println!("{seconds:6.2} s: can{bus} from {from:.2} to {to:.2} km/h within a second");
    }
    Ok(())
}
