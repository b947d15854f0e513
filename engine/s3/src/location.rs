//! `s3://bucket/prefix`, and the keys of objects below it.

use crate::OpenError;

/// A bucket and a prefix. The prefix is empty, or ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
}

impl Location {
    pub(crate) fn parse(text: &str) -> Result<Location, OpenError> {
        let bad = |reason| OpenError::BadLocation { location: text.to_owned(), reason };
        let rest = text.strip_prefix("s3://").ok_or_else(|| bad("it does not begin with s3://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_of_a_bucket = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if bucket.len() < 3 || bucket.len() > 63 || !bucket.chars().all(is_of_a_bucket) {
            return Err(bad("a bucket's name has 3 to 63 letters, digits, dots and hyphens"));
        }
        if prefix.contains(['?', '#', '\\']) || prefix.chars().any(char::is_control) {
            return Err(bad("a prefix has no ?, #, backslash or control character"));
        }
        let prefix = prefix.trim_matches('/');
        if prefix.split('/').any(|step| step == "." || step == "..") {
            return Err(bad("a prefix has no steps . and .."));
        }
        if !prefix.is_empty() && prefix.contains("//") {
            return Err(bad("a prefix has no empty steps"));
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Location { bucket: bucket.to_owned(), prefix })
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The name of an object by its key; `None` for a key outside.
    pub(crate) fn name<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(self.prefix.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_and_a_prefix() {
        for (text, bucket, prefix) in [
            ("s3://bucket", "bucket", ""),
            ("s3://bucket/", "bucket", ""),
            ("s3://a.b-c/jobs/one", "a.b-c", "jobs/one/"),
            ("s3://bucket//jobs/one//", "bucket", "jobs/one/"),
        ] {
            let location = Location::parse(text).unwrap();
            assert_eq!((location.bucket.as_str(), location.prefix.as_str()), (bucket, prefix));
        }
    }

    #[test]
    fn a_bad_location_says_what_is_bad() {
        for text in ["", "bucket", "http://bucket/x", "s3://", "s3:///x", "s3://a", "s3://b ucket"]
        {
            assert!(Location::parse(text).is_err(), "{text}");
        }
        for text in ["s3://bucket/a/../b", "s3://bucket/a?b", "s3://bucket/a//b", "s3://bucket/."] {
            assert!(Location::parse(text).is_err(), "{text}");
        }
        let error = Location::parse("file:///x").unwrap_err();
        assert!(error.to_string().contains("does not begin with s3://"), "{error}");
    }

    #[test]
    fn a_name_and_its_key_go_both_ways() {
        let location = Location::parse("s3://bucket/jobs").unwrap();
        assert_eq!(location.key("a/b"), "jobs/a/b");
        assert_eq!(location.name("jobs/a/b"), Some("a/b"));
        assert_eq!(location.name("jobsa/b"), None);
        assert_eq!(Location::parse("s3://bucket").unwrap().key("a"), "a");
    }
}
