//! What a server can say, or fail to say.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// Why a request did not do what it was made for: the source of a
/// [`StoreError`](tidewire_snapshot::StoreError) of this crate.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The server answered, and the answer is no.
    #[error("the server answered {status} {code}{}", Said(message))]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// The server's word for it, as `AccessDenied`.
        code: String,
        /// The server's explanation, or nothing.
        message: String,
    },
    /// The request could not be made: no credentials any more, or a bad name.
    #[error("the request was not sent: {}", Chain(&**.0))]
    NotSent(#[source] Box<dyn Error + Send + Sync>),
    /// No answer, or a broken one. The request may have taken effect.
    #[error("no whole answer: {}", Chain(&**.0))]
    NoAnswer(#[source] Box<dyn Error + Send + Sync>),
    /// No answer in time. The request may have taken effect.
    #[error("no answer within {0:?}")]
    Overdue(Duration),
    /// The answer's body is not as long as its head said.
    #[error("{expected} bytes were announced, and {found} came")]
    Short {
        /// What was announced.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// What lies there after a write is not what was sent.
    #[error("{sent} bytes were sent, and the server has an object of {found}")]
    Size {
        /// What was sent.
        sent: u64,
        /// What the server says.
        found: u64,
    },
    /// The server took the object, and has none.
    #[error("the server took the object, and does not have it")]
    Vanished,
    /// Someone else wrote an object of that name at the same time.
    #[error("another writer's object lies there")]
    Replaced,
    /// The object changed while it was fetched.
    #[error("the object changed while it was fetched")]
    Changed,
    /// The server left something out that the protocol demands.
    #[error("the answer says no {0}")]
    Incomplete(&'static str),
    /// An earlier write of this object failed.
    #[error("an earlier write of this object failed")]
    Spoilt,
    /// The copy on this host can not be written.
    #[error("the copy can not be written: {0}")]
    Copy(#[source] io::Error),
}

/// What a server says when it is busy rather than unwilling.
const AGAIN: [&str; 8] = [
    "ConditionalRequestConflict",
    "InternalError",
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
];

impl S3Error {
    /// Whether a second try may do better.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            S3Error::NoAnswer(_) | S3Error::Overdue(_) | S3Error::Short { .. } => true,
            S3Error::Refused { status, code, .. } => {
                let busy = *status >= 500 && *status != 501 || *status == 429 || *status == 408;
                busy || AGAIN.contains(&code.as_str())
            }
            _ => false,
        }
    }

    /// Whether the request may have taken effect all the same.
    pub(crate) fn may_have_happened(&self) -> bool {
        match self {
            S3Error::NoAnswer(_) | S3Error::Overdue(_) | S3Error::Short { .. } => true,
            S3Error::Refused { status, .. } => *status >= 500 || *status < 300,
            _ => false,
        }
    }

    pub(crate) fn is_refused(&self, with: u16, or_code: &str) -> bool {
        matches!(self, S3Error::Refused { status, code, .. } if *status == with || code == or_code)
    }

    /// No such object, as a body says it; a missing bucket is not taken for it.
    pub(crate) fn is_no_such_key(&self) -> bool {
        matches!(self, S3Error::Refused { code, .. } if code == "NoSuchKey")
    }
}

impl<E> From<SdkError<E, HttpResponse>> for S3Error
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> S3Error {
        match error {
            SdkError::ConstructionFailure(_) => S3Error::NotSent(Box::new(error)),
            SdkError::ServiceError(ref service) => {
                let (status, said) = (service.raw().status().as_u16(), service.err());
                let code = said.code().unwrap_or("without a code").to_owned();
                let message = said.message().unwrap_or_default().to_owned();
                S3Error::Refused { status, code, message }
            }
            _ => S3Error::NoAnswer(Box::new(error)),
        }
    }
}

/// A message behind a colon, or nothing.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

/// An error with all its sources, since the client says the cause only there.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> S3Error {
        S3Error::Refused { status, code: code.to_owned(), message: String::new() }
    }

    #[test]
    fn a_busy_server_is_asked_again_and_an_unwilling_one_is_not() {
        for (status, code, again) in [
            (500, "InternalError", true),
            (503, "SlowDown", true),
            (409, "ConditionalRequestConflict", true),
            (400, "RequestTimeout", true),
            (412, "PreconditionFailed", false),
            (403, "AccessDenied", false),
            (404, "NoSuchKey", false),
            (501, "NotImplemented", false),
        ] {
            assert_eq!(refused(status, code).is_transient(), again, "{status} {code}");
        }
        assert!(S3Error::Overdue(Duration::ZERO).is_transient());
        assert!(!S3Error::Vanished.is_transient());
    }

    #[test]
    fn only_a_clear_no_means_that_nothing_happened() {
        assert!(refused(500, "InternalError").may_have_happened());
        assert!(!refused(412, "PreconditionFailed").may_have_happened());
        assert!(!refused(409, "ConditionalRequestConflict").may_have_happened());
        assert!(S3Error::Overdue(Duration::ZERO).may_have_happened());
    }

    #[test]
    fn a_message_is_one_line() {
        let error = refused(403, "AccessDenied");
        assert_eq!(error.to_string(), "the server answered 403 AccessDenied");
        let source = io::Error::other(S3Error::Spoilt);
        let text = S3Error::NoAnswer(Box::new(source)).to_string();
        assert!(text.starts_with("no whole answer: an earlier write"), "{text}");
    }
}
