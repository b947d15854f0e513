//! Trying again: the one place where it is decided, for every request.
//!
//! 1. The client's own retries are switched off: they see neither a body that breaks off, nor can they tell whether
//!    an attempt that failed may have taken effect.
//! 2. A pause doubles, and a random share of it is taken, so that those who failed together do not return together.
//! 3. Only an error that a second try may mend is tried again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::S3Options;
use crate::error::S3Error;

/// A pause is at most this many times the first.
const PAUSE_GROWTH_MAX: u32 = 100;

/// How requests are tried.
#[derive(Debug, Clone)]
pub(crate) struct Retry {
    attempts: u32,
    pause: Duration,
    attempt_timeout: Duration,
    operation_timeout: Duration,
}

impl Retry {
    pub(crate) fn new(options: &S3Options) -> Retry {
        Retry {
            attempts: options.attempts,
            pause: options.pause,
            attempt_timeout: options.attempt_timeout,
            operation_timeout: options.operation_timeout,
        }
    }

    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// The same with so many times as much time.
    pub(crate) fn patient(&self, times: u32) -> Retry {
        Retry {
            attempt_timeout: self.attempt_timeout.saturating_mul(times),
            operation_timeout: self.operation_timeout.saturating_mul(times),
            ..self.clone()
        }
    }

    /// Makes attempts until one is final. Each is told whether an earlier one may have taken effect.
    pub(crate) async fn run<T, F>(&self, attempt: impl FnMut(bool) -> F) -> Result<T, S3Error>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        let all = timeout(self.operation_timeout, self.run_unbounded(attempt));
        all.await.unwrap_or(Err(S3Error::Overdue(self.operation_timeout)))
    }

    async fn run_unbounded<T, F>(&self, mut attempt: impl FnMut(bool) -> F) -> Result<T, S3Error>
    where
        F: Future<Output = Result<T, S3Error>>,
    {
        let mut lost = false;
        let mut made = 0;
        loop {
            let one = timeout(self.attempt_timeout, attempt(lost)).await;
            let error = match one.unwrap_or(Err(S3Error::Overdue(self.attempt_timeout))) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            made += 1;
            if made >= self.attempts || !error.is_transient() {
                return Err(error);
            }
            lost |= error.may_have_happened();
            sleep(self.pause_after(made)).await;
        }
    }

    fn pause_after(&self, made: u32) -> Duration {
        let growth =
            1_u32.checked_shl(made - 1).map_or(PAUSE_GROWTH_MAX, |it| it.min(PAUSE_GROWTH_MAX));
        let most = self.pause.saturating_mul(growth);
        most.mul_f64(0.5 + random() as f64 / u64::MAX as f64 / 2.0)
    }
}

/// A number that no one else has. Nothing in a result depends on it.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A name, or a mark, that no one else has.
pub(crate) fn unique() -> String {
    format!("{:08x}-{:016x}{:016x}", std::process::id(), random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Worker;

    fn retry(attempts: u32) -> Retry {
        let pause = Duration::from_micros(10);
        let attempt_timeout = Duration::from_millis(20);
        Retry { attempts, pause, attempt_timeout, operation_timeout: Duration::from_secs(5) }
    }

    fn busy(status: u16) -> S3Error {
        S3Error::Refused { status, code: String::new(), message: String::new() }
    }

    #[test]
    fn it_tries_so_many_times_and_no_more() {
        let worker = Worker::start().unwrap();
        let mut made = 0;
        let result = worker.wait(retry(3).run(|_| {
            made += 1;
            async { Err::<(), _>(busy(503)) }
        }));
        assert!(result.is_err());
        assert_eq!(made, 3);
    }

    #[test]
    fn a_clear_no_is_final() {
        let worker = Worker::start().unwrap();
        let mut made = 0;
        let result = worker.wait(retry(3).run(|_| {
            made += 1;
            async { Err::<(), _>(busy(403)) }
        }));
        assert!(result.is_err());
        assert_eq!(made, 1);
    }

    #[test]
    fn a_later_attempt_knows_that_an_answer_was_lost() {
        let worker = Worker::start().unwrap();
        let mut told = Vec::new();
        let result = worker.wait(retry(5).run(|lost| {
            told.push(lost);
            let nth = told.len();
            async move {
                match nth {
                    1 => Err(busy(429)),
                    2 => std::future::pending().await,
                    3 => Err(busy(429)),
                    _ => Ok(nth),
                }
            }
        }));
        assert_eq!(result.unwrap(), 4);
        assert_eq!(told, [false, false, true, true]);
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let retry = Retry { pause: Duration::from_millis(10), ..retry(100) };
        for made in 1..100 {
            let most = 10_u64 << (made - 1).min(7);
            let pause = retry.pause_after(made);
            assert!(pause >= Duration::from_millis(most.min(1000) / 2), "{made}: {pause:?}");
            assert!(pause <= Duration::from_millis(most.min(1000)), "{made}: {pause:?}");
        }
    }

    #[test]
    fn names_differ() {
        assert_ne!(unique(), unique());
    }
}
