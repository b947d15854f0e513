//! What the kernel says beside a datagram, as it lies in memory: a length, a level, a type, and the data, each record
//! behind the other on bounds of eight bytes.
//!
//! Source: `cmsg(3)`, `socket(7)` of Linux, on 64 bits.

const HEADER_BYTES: usize = 16;
const ALIGN: usize = 8;
const SOL_SOCKET: i32 = 1;
/// A `timespec`: seconds and ns.
const SCM_TIMESTAMPNS: i32 = 35;
/// A `u32`.
const SO_RXQ_OVFL: i32 = 40;

/// Room for the records that are asked for: a time, and a count.
pub(crate) const CONTROL_BYTES: usize = (HEADER_BYTES + 16) + (HEADER_BYTES + 8);

/// When a datagram was received, ns since the Unix epoch, and how many were dropped before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) received: Option<i64>,
    pub(crate) dropped: Option<u32>,
}

impl Said {
    /// Reads the records. What is cut or unknown is passed over.
    pub(crate) fn read(mut control: &[u8]) -> Self {
        let mut said = Self::default();
        while let Some((length, level, kind)) = header(control) {
            let Some(data) = control.get(HEADER_BYTES..length) else { return said };
            match (level, kind) {
                (SOL_SOCKET, SCM_TIMESTAMPNS) => said.received = time(data),
                (SOL_SOCKET, SO_RXQ_OVFL) => {
                    said.dropped = data.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
                }
                _ => {}
            }
            control = control.get(length.next_multiple_of(ALIGN)..).unwrap_or_default();
        }
        said
    }
}

fn header(control: &[u8]) -> Option<(usize, i32, i32)> {
    let (length, rest) = control.split_first_chunk()?;
    let (level, rest) = rest.split_first_chunk()?;
    let kind = rest.first_chunk()?;
    let length = usize::from_ne_bytes(*length);
    // A record that is shorter than its header would never end.
    (length >= HEADER_BYTES)
        .then(|| (length, i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind)))
}

fn time(data: &[u8]) -> Option<i64> {
    let (seconds, rest) = data.split_first_chunk()?;
    let (seconds, ns) = (i64::from_ne_bytes(*seconds), i64::from_ne_bytes(*rest.first_chunk()?));
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let length = HEADER_BYTES + data.len();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(length.next_multiple_of(ALIGN), 0);
        bytes
    }

    #[test]
    fn records_are_read_in_any_order_and_cut_ones_are_passed_over() {
        let at = [5_i64.to_ne_bytes(), 7_i64.to_ne_bytes()].concat();
        let all = [
            record(0, 8, &[1; 13]),
            record(SOL_SOCKET, SO_RXQ_OVFL, &9_u32.to_ne_bytes()),
            record(SOL_SOCKET, SCM_TIMESTAMPNS, &at),
        ];
        let all = all.concat();
        let said = Said { received: Some(5_000_000_007), dropped: Some(9) };
        assert_eq!(Said::read(&all), said);
        for end in 0..all.len() {
            let cut = Said::read(&all[..end]);
            assert!(cut.received.is_none());
        }
        let endless = [0; 64];
        assert_eq!(Said::read(&endless), Said::default());
        let huge = [usize::MAX.to_ne_bytes(), [0; 8]].concat();
        assert_eq!(Said::read(&huge), Said::default());
    }
}
