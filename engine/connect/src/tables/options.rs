//! The options of a table: `WITH ('connector' = 'filesystem', ...)`.
//!
//! Every option must be asked for by someone: one that nobody knows is an error, never ignored.

use std::collections::BTreeMap;

/// The options of a table, of which each is taken once.
#[derive(Debug, Clone)]
pub struct Options {
    connector: String,
    left: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

/// What is wrong with the options of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// One that must be there is not.
    #[error("the connector '{connector}' needs the option '{name}': {meaning}{hint}")]
    Missing {
        /// The connector.
        connector: String,
        /// The option.
        name: &'static str,
        /// What it says.
        meaning: &'static str,
        /// What is given that may be meant, if something is.
        hint: String,
    },
    /// One that the connector does not know.
    #[error("the connector '{connector}' knows no option '{name}'{}; it knows {}", nearest(name, known), known.join(", "))]
    Unknown {
        /// The connector.
        connector: String,
        /// The option.
        name: String,
        /// Those that it knows.
        known: Vec<&'static str>,
    },
    /// A value that means nothing.
    #[error("the option '{name}' is '{value}': {expected}")]
    Value {
        /// The option.
        name: String,
        /// Its value.
        value: String,
        /// What it should be.
        expected: String,
    },
}

impl OptionError {
    /// An option whose value means nothing, and what it should be.
    pub fn value(name: &str, value: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Value { name: name.to_owned(), value: value.into(), expected: expected.into() }
    }

    /// An option that must be given, and what it says.
    #[must_use]
    pub fn missing(connector: &str, name: &'static str, meaning: &'static str) -> Self {
        Self::Missing { connector: connector.to_owned(), name, meaning, hint: String::new() }
    }

    /// The option that it is about.
    #[must_use]
    pub fn option(&self) -> &str {
        match self {
            Self::Missing { name, .. } => name,
            Self::Unknown { name, .. } | Self::Value { name, .. } => name,
        }
    }
}

/// What to say of the one of `known` that `name` may have meant, if there is one.
pub fn nearest(name: &str, known: &[&str]) -> String {
    near(name, known).map_or_else(String::new, |other| format!(" (did you mean '{other}'?)"))
}

/// The one of `others` that is most like `name`, if it is like it at all.
fn near<'o>(name: &str, others: &[&'o str]) -> Option<&'o str> {
    let distance = |other: &&str| strsim::levenshtein(name, other);
    let nearest = others.iter().copied().min_by_key(distance);
    nearest.filter(|other| distance(other) <= 1 + name.len() / 3)
}

/// A length of time as Flink writes it: `10 s`, `500 ms`, `1 min`, `2 h`, `1 d`; ms where there is no unit. ns.
pub(super) fn duration(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[at..].trim() {
        "d" | "day" | "days" => 86_400_000_000_000,
        "h" | "hour" | "hours" => 3_600_000_000_000,
        "min" | "m" | "minute" | "minutes" => 60_000_000_000,
        "s" | "sec" | "second" | "seconds" => 1_000_000_000,
        "ms" | "milli" | "millis" | "" => 1_000_000,
        "µs" | "us" | "micro" | "micros" => 1_000,
        "ns" | "nano" | "nanos" => 1,
        _ => return None,
    };
    text[..at].parse::<u64>().ok()?.checked_mul(unit)
}

impl Options {
    /// The options of a table of `connector`, the option `connector` itself left out.
    pub fn new(connector: &str, options: BTreeMap<String, String>) -> Self {
        Self { connector: connector.to_owned(), left: options, known: Vec::new() }
    }

    /// The connector.
    #[must_use]
    pub fn connector(&self) -> &str {
        &self.connector
    }

    /// Takes an option, if it is given.
    pub fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.left.remove(name)
    }

    /// Takes an option that must be given.
    ///
    /// # Errors
    /// It is not.
    pub fn need(
        &mut self,
        name: &'static str,
        meaning: &'static str,
    ) -> Result<String, OptionError> {
        self.take(name).ok_or_else(|| {
            let given: Vec<_> = self.left.keys().map(String::as_str).collect();
            let hint = near(name, &given).map(|near| format!("; did you mean it by '{near}'?"));
            let hint = hint.unwrap_or_default();
            OptionError::Missing { connector: self.connector.clone(), name, meaning, hint }
        })
    }

    /// Takes an option that `read` reads, if it is given; `expected` says what it should be.
    ///
    /// # Errors
    /// `read` says `None` of it.
    pub fn parse<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, OptionError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match read(&value) {
            Some(read) => Ok(Some(read)),
            None => Err(OptionError::value(name, value, expected)),
        }
    }

    /// Takes an option that is a length of time such as `10 ms`, if it is given: ns.
    ///
    /// # Errors
    /// It is none.
    pub fn duration(&mut self, name: &'static str) -> Result<Option<i64>, OptionError> {
        let read = |text: &str| duration(text).and_then(|ns| i64::try_from(ns).ok());
        self.parse(name, "a length of time, as '10 ms'", read)
    }

    /// Takes an option that is `true` or `false`, if it is given.
    ///
    /// # Errors
    /// It is neither.
    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, OptionError> {
        self.parse(name, "true or false", |text| text.to_ascii_lowercase().parse().ok())
    }

    /// Takes the options whose names begin with `prefix`, such as `fields.`, each with what follows the prefix.
    pub fn take_all(&mut self, prefix: &'static str) -> Vec<(String, String)> {
        let names: Vec<_> =
            self.left.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        let take = |name: String| {
            let value = self.left.remove(&name)?;
            Some((name[prefix.len()..].to_owned(), value))
        };
        names.into_iter().filter_map(take).collect()
    }

    /// All have been taken.
    ///
    /// # Errors
    /// One is left, which nobody knows.
    pub fn finish(self) -> Result<(), OptionError> {
        let Self { connector, left, mut known } = self;
        known.sort_unstable();
        known.dedup();
        match left.into_keys().next() {
            Some(name) => Err(OptionError::Unknown { connector, name, known }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_nobody_asks_for_is_named_with_the_nearest() {
        let given = [("pth", "x"), ("format", "csv")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let mut options = Options::new("filesystem", given.into());
        assert_eq!(options.take("format").as_deref(), Some("csv"));
        let missing = options.need("path", "the file").unwrap_err().to_string();
        assert_eq!(
            missing,
            "the connector 'filesystem' needs the option 'path': the file; did you mean it by 'pth'?"
        );
        let unknown = options.finish().unwrap_err().to_string();
        assert_eq!(
            unknown,
            "the connector 'filesystem' knows no option 'pth' (did you mean 'path'?); it knows format, path"
        );
    }

    #[test]
    fn a_value_that_means_nothing_says_what_it_should_be() {
        let given = [("rows".to_owned(), "x".to_owned())];
        let mut options = Options::new("datagen", given.into());
        let error = options.parse("rows", "a whole number", |text| text.parse::<u64>().ok());
        assert_eq!(error.unwrap_err().to_string(), "the option 'rows' is 'x': a whole number");
    }
}
