//! Sequence numbers: gaps, duplicates, reordering and restarts, as events.
//!
//! 1. In order: the number is the one expected.
//! 2. A number beyond it opens a gap; the gap stays open for a message that was only late.
//! 3. A number below it fills an open gap (reordered) or has been seen (a duplicate, not to be applied twice).
//! 4. A new session starts afresh: a restart.
