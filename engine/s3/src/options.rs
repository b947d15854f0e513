//! What can be set, and what can be wrong before the first request.

use std::time::Duration;

/// How to reach a store. The default takes everything from the usual AWS places: environment, profile files, and the
/// metadata service of a container or an instance.
#[derive(Clone)]
pub struct S3Options {
    /// A server that is not Amazon's, as `http://127.0.0.1:9000`. Buckets are then a part of the path, and not of the
    /// host's name.
    pub endpoint: Option<String>,
    /// Id and secret.
    pub credentials: Option<(String, String)>,
    /// The region. A server that is not Amazon's needs none; `us-east-1` is then taken.
    pub region: Option<String>,
    /// How long one request may take, all its attempts and the pauses between them together.
    pub operation_timeout: Duration,
    /// How long one attempt may take, its body included. A part that has grown gets as many times as much.
    pub attempt_timeout: Duration,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// How often a request is tried before its error is told; at least once.
    pub attempts: u32,
    /// The first pause between two attempts; each next one may be twice as long, up to a hundred times. A random share
    /// of it is taken.
    pub pause: Duration,
    /// The bytes of a part: what is larger goes up and comes down in several. A server takes 5 MiB and more. It
    /// doubles after each 1000 parts, so that no object has too many.
    pub part_bytes: usize,
    /// How many parts of an object are under way at once.
    pub parallel: usize,
}

impl Default for S3Options {
    fn default() -> S3Options {
        S3Options {
            endpoint: None,
            credentials: None,
            region: None,
            operation_timeout: Duration::from_secs(180),
            attempt_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            attempts: 5,
            pause: Duration::from_millis(100),
            part_bytes: 8 << 20,
            parallel: 4,
        }
    }
}

impl std::fmt::Debug for S3Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint", &self.endpoint)
            .field("credentials", &self.credentials.as_ref().map(|(id, _)| id))
            .field("region", &self.region)
            .field("operation_timeout", &self.operation_timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("attempts", &self.attempts)
            .field("part_bytes", &self.part_bytes)
            .field("parallel", &self.parallel)
            .finish_non_exhaustive()
    }
}

/// Why a store can not be opened. No request has been made for an object.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no place in S3.
    #[error("{location:?} is no place in S3: {reason}; write s3://bucket/prefix")]
    BadLocation {
        /// What was given.
        location: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The endpoint is no address of a server.
    #[error("{endpoint:?} is no endpoint: write http://host:port or https://host:port")]
    BadEndpoint {
        /// What was given, or found in the environment or in a profile.
        endpoint: String,
    },
    /// Nobody says who we are.
    #[error(
        "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for a profile of \
         ~/.aws/credentials, or run where a role is attached ({reason})"
    )]
    NoCredentials {
        /// What the last place said.
        reason: String,
    },
    /// Nobody says where the bucket is.
    #[error("no region: set AWS_REGION, or region in the profile of ~/.aws/config")]
    NoRegion,
    /// A part or a number of attempts that can not be.
    #[error("{what} is {value}, and must be {must}")]
    BadOption {
        /// The option.
        what: &'static str,
        /// What was given.
        value: u64,
        /// What may be given.
        must: &'static str,
    },
    /// The threads of the client do not start.
    #[error("the S3 client does not start: {0}")]
    Threads(#[source] std::io::Error),
}

/// What a server takes as a part that is not the last.
const PART_BYTES_MIN: usize = 5 << 20;

impl S3Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let bad = |what, value, must| Err(OpenError::BadOption { what, value, must });
        if !(PART_BYTES_MIN..=1 << 30).contains(&self.part_bytes) {
            return bad("part_bytes", self.part_bytes as u64, "5 MiB to 1 GiB");
        }
        if !(1..=64).contains(&self.parallel) {
            return bad("parallel", self.parallel as u64, "1 to 64");
        }
        if !(1..=100).contains(&self.attempts) {
            return bad("attempts", self.attempts.into(), "1 to 100");
        }
        match &self.endpoint {
            Some(endpoint) => check_endpoint(endpoint),
            None => Ok(()),
        }
    }
}

pub(crate) fn check_endpoint(endpoint: &str) -> Result<(), OpenError> {
    let rest = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or(""));
    let is_host = |host: &str| {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "?#@\\\"<>^`{}|".contains(c);
        let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
        !host.is_empty()
            && !host.starts_with(':')
            && !host.contains(odd)
            && port.is_none_or(|port| port.parse::<u16>().is_ok())
    };
    if host.is_some_and(is_host) {
        return Ok(());
    }
    Err(OpenError::BadEndpoint { endpoint: endpoint.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_urls_of_a_host() {
        for good in
            ["http://127.0.0.1:9000", "https://s3.example.org", "http://[::1]:80", "http://h/"]
        {
            assert!(check_endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:9000",
            "http://",
            "http://:80",
            "http://h:port",
            "ftp://h",
            "http://a b",
        ] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_printed_holds_no_secret() {
        let credentials = Some(("the-id".to_owned(), "the-secret".to_owned()));
        let text = format!("{:?}", S3Options { credentials, ..S3Options::default() });
        assert!(text.contains("the-id") && !text.contains("the-secret"), "{text}");
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        let default = S3Options::default;
        assert!(default().check().is_ok());
        assert!(S3Options { part_bytes: 1 << 20, ..default() }.check().is_err());
        assert!(S3Options { parallel: 0, ..default() }.check().is_err());
        assert!(S3Options { attempts: 0, ..default() }.check().is_err());
        assert!(S3Options { endpoint: Some("nowhere".to_owned()), ..default() }.check().is_err());
    }
}
