//! What goes wrong, and when.

use std::time::Duration;

use crate::dice::Dice;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it goes to the server, and its answer comes back.
    None,
    /// 500 InternalError; the server never sees the request.
    InternalError,
    /// The server does what it was asked for, and 500 InternalError is the answer.
    ErrorAfter,
    /// 503 SlowDown; the server never sees the request.
    SlowDown,
    /// The connection is reset; the server never sees the request.
    ResetBefore,
    /// The server does what it was asked for, and the connection is reset instead of an answer.
    ResetAfter,
    /// The request waits so long before it goes to the server.
    StallBefore(Duration),
    /// The answer waits so long on its way back.
    StallAfter(Duration),
    /// The answer breaks off in the middle of its body, or of its head if it has no body.
    Truncate,
    /// The answer names another ETag than the server did.
    WrongEtag,
}

/// What a plan may know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its place in the order of arrival, from 0.
    pub number: u64,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub target: String,
    /// Whether it has a condition `If-None-Match`.
    pub is_conditional: bool,
}

/// Decides what happens to each request, in the order of their arrival.
pub type Plan = Box<dyn FnMut(&Request) -> Fault + Send>;

/// Nothing goes wrong.
#[must_use]
pub fn healthy() -> Plan {
    always(Fault::None)
}

/// The same to every request.
#[must_use]
pub fn always(fault: Fault) -> Plan {
    Box::new(move |_| fault)
}

/// One after the other to those requests that `which` picks; nothing to others, and nothing after the last.
pub fn script<W>(faults: impl IntoIterator<Item = Fault>, which: W) -> Plan
where
    W: Fn(&Request) -> bool + Send + 'static,
{
    let mut faults: std::collections::VecDeque<_> = faults.into_iter().collect();
    Box::new(move |request| match which(request) {
        true => faults.pop_front().unwrap_or(Fault::None),
        false => Fault::None,
    })
}

/// One of `faults` to so many percent of the requests, as a seed says.
#[must_use]
pub fn seeded(seed: u64, percent: u64, faults: Vec<Fault>) -> Plan {
    let mut dice = Dice::new(seed);
    Box::new(move |_| {
        let (whether, which) = (dice.below(100), dice.roll());
        let at = usize::try_from(which % faults.len().max(1) as u64).unwrap_or(0);
        let fault = faults.get(at).copied().filter(|_| whether < percent);
        fault.unwrap_or(Fault::None)
    })
}
