//! Protocols that are broken on purpose: a test of the test.

use std::fmt::{self, Display};
use std::str::FromStr;

/// A way to break the protocol. Each is done from outside of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The store shows a manifest before the objects that it names.
    ManifestFirst,
    /// The store says of objects that they are written, and some are not.
    LyingStore,
    /// The store takes conditional puts and ignores the condition.
    NoFence,
    /// The sink commits what it is asked to prepare.
    CommitAtPrepare,
    /// The sink says of a part that it is sealed, and seals it some turns later.
    EarlyPromise,
    /// The sink does not undo what was prepared behind the snapshot.
    NoUndo,
    /// The source goes on one event behind its position.
    LostEvent,
    /// The source goes on one event before its position.
    RepeatedEvent,
    /// The watermark is forgotten in a restart.
    LostWatermark,
    /// A record does not reach the capture log.
    LostRecord,
}

impl Broken {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::ManifestFirst,
        Self::LyingStore,
        Self::NoFence,
        Self::CommitAtPrepare,
        Self::EarlyPromise,
        Self::NoUndo,
        Self::LostEvent,
        Self::RepeatedEvent,
        Self::LostWatermark,
        Self::LostRecord,
    ];
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ManifestFirst => "manifest-first",
            Self::LyingStore => "lying-store",
            Self::NoFence => "no-fence",
            Self::CommitAtPrepare => "commit-at-prepare",
            Self::EarlyPromise => "early-promise",
            Self::NoUndo => "no-undo",
            Self::LostEvent => "lost-event",
            Self::RepeatedEvent => "repeated-event",
            Self::LostWatermark => "lost-watermark",
            Self::LostRecord => "lost-record",
        })
    }
}

/// A text names no broken protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no broken protocol: there are {}", Broken::ALL.map(|it| it.to_string()).join(", "))]
pub struct UnknownProtocol {
    name: String,
}

impl FromStr for Broken {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.to_string() == text)
            .ok_or_else(|| UnknownProtocol { name: text.to_owned() })
    }
}
