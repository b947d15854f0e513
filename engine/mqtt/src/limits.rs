//! Every bound of this crate, with its name.

use std::time::Duration;

use crate::record::HEAD_BYTES_MAX;

/// How long a job waits at its start for a broker that does not answer, ns.
pub(crate) const START_NS: i64 = 30_000_000_000;

/// How long a connection may take to come about. A source's thread waits for it.
pub(crate) const CONNECT: Duration = Duration::from_secs(1);

/// How long a broker may take to answer what a connection begins with, ns.
pub(crate) const ANSWER_NS: i64 = 10_000_000_000;

/// How long the first try to connect again waits, ns; each one more waits twice as long.
pub(crate) const RETRY_NS: i64 = 50_000_000;

/// How long one waits at most, ns.
pub(crate) const RETRY_NS_MAX: i64 = 5_000_000_000;

/// How long a sink goes on waiting while no broker acknowledges what it has, ns. Back-pressure follows meanwhile.
pub(crate) const SINK_NS: i64 = 300_000_000_000;

/// How long the broker is waited for at a time: by a sink, and at the start.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// Messages of a sink that are on their way at once.
pub(crate) const UNACKED_MAX: usize = 1_024;

/// The same at QoS 2: Mosquitto closes the connection of one that has more than 20.
pub(crate) const UNRELEASED_MAX: usize = 16;

/// Bytes of a packet at most. A broker would send a larger one again and again, so it stops the job.
pub(crate) const PACKET_BYTES_MAX: usize = 1 << 20;

/// Bytes that are read at once.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// Messages of QoS 1, the newest that were kept, among which one that is sent again is looked for: half of the packet
/// identifiers that there are, so that a broker that counts them up has not come round.
pub(crate) const REMEMBERED_MAX: u64 = 1 << 15;

/// Records of a journal, behind a snapshot's place, that are read at a restart to know what may be sent again. A message
/// of QoS 2 has two.
pub(crate) const LOOK_BACK: u64 = 2 * REMEMBERED_MAX;

/// Bytes of a journal's name that say which topics it is of.
pub(crate) const TOPICS_BYTES_MAX: usize = 400;

const _: () = assert!(PACKET_BYTES_MAX + HEAD_BYTES_MAX <= 16 << 20);
const _: () = assert!(UNRELEASED_MAX <= UNACKED_MAX && UNACKED_MAX < u16::MAX as usize);
const _: () = assert!(REMEMBERED_MAX <= 1 << 15);
