//! A capture as a source of market events.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tidewire_event::{Polled, Source};
use tidewire_feeds::capture::{Capture, CaptureError, Format, Message, Stats};
use tidewire_feeds::decode::DecodeError;
use tidewire_feeds::sequence;

use super::event::MarketEvent;
use super::normalize::{Normalizer, Reading};
use super::session_date::SessionDate;
use super::symbols::Symbols;

/// Problems that are kept with their place; the rest is counted.
const PROBLEMS_KEPT: usize = 20;

/// Something in a capture that a user should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A frame or message that breaks its specification, and was skipped.
    #[error("{0}")]
    Decode(DecodeError),
    /// What the sequence numbers say.
    #[error("offset {offset}: {}", in_words(event))]
    Sequence {
        /// Where, in bytes of the unwrapped capture.
        offset: u64,
        /// What.
        event: sequence::Event,
    },
}

fn in_words(event: &sequence::Event) -> String {
    use sequence::Event as E;
    match event {
        E::InOrder => "in order".to_owned(),
        E::Gap { expected, found } => {
            format!(
                "sequence gap: {} message(s) missing, {expected} to {}",
                found - expected,
                found - 1
            )
        }
        E::Duplicate { sequence } => format!("duplicate of message {sequence}, not applied again"),
        E::Reordered { sequence } => format!("message {sequence} came late, and fills a gap"),
        E::Restart { expected, found } => {
            format!("the session restarts: {found} in place of {expected}")
        }
    }
}

/// What a source found in its capture, beside the events.
#[derive(Debug, Clone, Default)]
pub struct CaptureReport {
    /// Counts.
    pub stats: Stats,
    /// The first problems, with their places.
    pub problems: Vec<Problem>,
    /// How many problems there were.
    pub problems_total: u64,
    /// Messages that move no book and are no trade.
    pub messages_without_event: u64,
    /// Digits after the point of the feed's prices.
    pub price_digits: u8,
}

/// Why a capture could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The capture can not be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// In strict mode, the first message that breaks its specification.
    #[error("{0} (in strict mode the first error ends the run)")]
    Strict(DecodeError),
}

/// Reads market events from a capture.
pub struct CaptureSource {
    capture: Capture,
    normalizer: Normalizer,
    strict: bool,
    report: CaptureReport,
    shared: Arc<Mutex<CaptureReport>>,
}

impl CaptureSource {
    /// Opens the capture at `path`. With `strict` the first broken message ends it with an error; else broken messages
    /// are counted and skipped.
    ///
    /// # Errors
    /// The file can not be opened, or is of no known format.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        date: Option<SessionDate>,
        strict: bool,
        symbols: Symbols,
    ) -> Result<Self, ReplayError> {
        let capture = Capture::open(path, format)?;
        let normalizer = Normalizer::new(symbols, date);
        let price_digits = if capture.format() == Format::Dbn { 9 } else { 4 };
        let report = CaptureReport { price_digits, ..CaptureReport::default() };
        let shared = Arc::new(Mutex::new(report.clone()));
        Ok(Self { capture, normalizer, strict, report, shared })
    }

    /// What the capture holds.
    #[must_use]
    pub fn format(&self) -> Format {
        self.capture.format()
    }

    /// Digits after the point of the feed's prices.
    #[must_use]
    pub fn price_digits(&self) -> u8 {
        self.report.price_digits
    }

    /// Where the report will be, once the source has ended.
    #[must_use]
    pub fn report(&self) -> Arc<Mutex<CaptureReport>> {
        Arc::clone(&self.shared)
    }

    #[cold]
    fn problem(&mut self, problem: Problem) {
        self.report.problems_total += 1;
        if self.report.problems.len() < PROBLEMS_KEPT {
            self.report.problems.push(problem);
        }
    }

    #[cold]
    fn failed(&mut self, error: CaptureError) -> Result<(), ReplayError> {
        match error {
            CaptureError::Decode(error) if self.strict => {
                self.publish();
                Err(ReplayError::Strict(error))
            }
            CaptureError::Decode(error) => {
                self.problem(Problem::Decode(error));
                Ok(())
            }
            error => {
                self.publish();
                Err(error.into())
            }
        }
    }

    fn publish(&mut self) {
        self.report.stats = self.capture.stats();
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = self.report.clone();
    }
}

impl Source for CaptureSource {
    type Event = MarketEvent;
    type Error = ReplayError;

    #[inline]
    fn next(&mut self) -> Result<Polled<MarketEvent>, ReplayError> {
        loop {
            if let Some(more) = self.normalizer.more() {
                return Ok(Polled::Event(more));
            }
            let reading = match self.capture.next() {
                Ok(Some(captured)) => match captured.message {
                    Message::Sequence(event) => {
                        let offset = captured.offset;
                        if matches!(event, sequence::Event::Restart { .. }) {
                            self.normalizer.restart();
                        }
                        self.problem(Problem::Sequence { offset, event });
                        continue;
                    }
                    message => Reading::of(&message, captured.ts_recv),
                },
                Ok(None) => {
                    self.publish();
                    return Ok(Polled::End);
                }
                Err(error) => {
                    self.failed(error)?;
                    continue;
                }
            };
            let event = reading.and_then(|reading| self.normalizer.event(reading, &self.capture));
            if let Some(event) = event {
                return Ok(Polled::Event(event));
            }
            self.report.messages_without_event += 1;
        }
    }

    fn fraction_read(&self) -> Option<f64> {
        let total = self.capture.bytes_total()?;
        Some(self.capture.bytes_read() as f64 / total.max(1) as f64)
    }
}
