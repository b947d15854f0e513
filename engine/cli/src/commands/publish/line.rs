//! A line, and what goes wrong on it: of each line on its own, and the same for the same seed.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;
use tidewire_udp::{Sender, UdpError};

/// Stream of the generator of the first line.
const STREAM: u128 = 0x5851_f42d_4c95_7f2d_1405_7b7e_f767_814f;
/// A packet that is overtaken is overtaken by at most so many.
const OVERTAKEN_BY_MAX: u64 = 4;

/// How often something happens: of a billion packets, to so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chance(u32);

const CERTAIN: u32 = 1_000_000_000;

impl std::str::FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, of) = match text.strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (text, 1.0),
        };
        let part = number.trim().parse::<f64>().ok().map(|number| number / of);
        let part = part.filter(|part| (0.0..=1.0).contains(part));
        let part =
            part.ok_or_else(|| format!("\"{text}\" is no share: write it as 0.1% or 0.001"))?;
        Ok(Self((part * f64::from(CERTAIN)).round() as u32))
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Faults {
    pub(super) drop: Chance,
    pub(super) duplicate: Chance,
    pub(super) reorder: Chance,
}

/// What was sent on a line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineCounters {
    pub(super) datagrams: u64,
    pub(super) dropped: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
}

/// A line.
pub(super) struct Line {
    sender: Sender,
    faults: Faults,
    random: Pcg64,
    /// A packet that is being overtaken, and by how many more.
    held: Option<(u64, Vec<u8>)>,
    pub(super) counters: LineCounters,
}

impl Line {
    pub(super) fn new(sender: Sender, number: u64, faults: Faults, seed: u64) -> Self {
        let random = Pcg64::new(seed.into(), STREAM + 2 * u128::from(number));
        Self { sender, faults, random, held: None, counters: LineCounters::default() }
    }

    /// Sends a packet, or does with it what goes wrong.
    pub(super) fn send(&mut self, payload: &[u8]) -> Result<(), UdpError> {
        let Faults { drop, duplicate, reorder } = self.faults;
        // All are drawn for each packet, so that one share does not change whom another one meets.
        let [drops, duplicates, reorders] =
            [drop, duplicate, reorder].map(|chance| self.below(CERTAIN.into()) < chance.0.into());
        let by = 1 + self.below(OVERTAKEN_BY_MAX);
        if drops {
            self.counters.dropped += 1;
        } else if reorders && self.held.is_none() {
            self.counters.reordered += 1;
            self.held = Some((by, payload.to_vec()));
            return Ok(());
        } else {
            self.send_now(payload)?;
            if duplicates {
                self.counters.duplicated += 1;
                self.send_now(payload)?;
            }
        }
        match &mut self.held {
            Some((left, _)) if *left > 1 => *left -= 1,
            _ => self.flush()?,
        }
        Ok(())
    }

    /// Sends a packet as it is: heartbeats, and the end of the session.
    pub(super) fn send_now(&mut self, payload: &[u8]) -> Result<(), UdpError> {
        self.counters.datagrams += 1;
        self.sender.send(payload)
    }

    /// Sends what is held.
    pub(super) fn flush(&mut self) -> Result<(), UdpError> {
        match self.held.take() {
            Some((_, payload)) => self.send_now(&payload),
            None => Ok(()),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.random.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_people_write_them() {
        assert_eq!("0.1%".parse(), Ok(Chance(1_000_000)));
        assert_eq!("0.5".parse(), Ok(Chance(500_000_000)));
        assert_eq!("100 %".parse(), Ok(Chance(CERTAIN)));
        for wrong in ["", "-1%", "101%", "1.5", "x", "NaN"] {
            assert!(wrong.parse::<Chance>().is_err(), "{wrong}");
        }
    }
}
