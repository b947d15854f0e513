//! What a capture has held so far.

use crate::sequence::Counters;

/// Counts of what was read so far. Those of packets stay zero in a file of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets, of any kind.
    pub packets: u64,
    /// Packets that the capture cut short.
    pub packets_truncated: u64,
    /// UDP datagrams.
    pub datagrams: u64,
    /// Datagrams of no feed that is known here, or of more flows than are tracked.
    pub datagrams_unrecognized: u64,
    /// Packets of other protocols, skipped.
    pub packets_other: u64,
    /// Fragments of IP packets, skipped.
    pub fragments: u64,
    /// Packets whose headers are cut or contradict each other, skipped.
    pub packets_malformed: u64,
    /// Packets of a feed without messages.
    pub heartbeats: u64,
    /// Marks of the end of a session.
    pub ends_of_session: u64,
    /// Messages delivered.
    pub messages: u64,
    /// Frames and messages that break their specification.
    pub decode_errors: u64,
    /// What the sequence numbers of all flows said.
    pub sequence: Counters,
}
