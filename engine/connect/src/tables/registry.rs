//! Which connectors there are.

use super::options::nearest;
use super::{Columns, OptionError, Options, OwnColumns, TableError, TableReader, TableWriter};
use super::{
    datagen, feeds, filesystem, line_writer, nexmark, soupbintcp, stdin, stdout, tcp, udp,
};

/// A connector of another crate: one with a client of its own.
pub trait Connector: Sync {
    /// What tables call it.
    fn name(&self) -> &'static str;

    /// The readers of a table: at least one, and one for each thread that may read it.
    ///
    /// # Errors
    /// Its options or columns are wrong, or there is no such input.
    fn readers(
        &self,
        options: Options,
        columns: &Columns,
    ) -> Result<Vec<Box<dyn TableReader>>, TableError>;

    /// The writer of a table.
    ///
    /// # Errors
    /// Its options or columns are wrong, or there is no such output.
    fn writer(
        &self,
        options: Options,
        columns: &Columns,
    ) -> Result<Box<dyn TableWriter>, TableError>;
}

/// Those that can be read.
const READ: [&str; 12] = [
    "binance",
    "candump",
    "datagen",
    "dbn",
    "filesystem",
    "iex",
    "itch",
    "nexmark",
    "soupbintcp",
    "stdin",
    "tcp",
    "udp",
];
/// Those that can be written to.
const WRITTEN: [&str; 5] = ["blackhole", "filesystem", "print", "stdout", "tcp"];

/// Whether tables of this connector can be written to.
#[must_use]
pub fn is_written(connector: &str) -> bool {
    WRITTEN.contains(&connector)
}

/// The columns of a table whose connector knows them itself, as those of feeds do; `None` where the table has to say them.
/// The options stay as they are.
/// `more` are the connectors of other crates that the program has.
///
/// # Errors
/// There is no such connector, or its options do not say which table it is.
pub fn columns_of(
    options: &Options,
    more: &[&dyn Connector],
) -> Result<Option<OwnColumns>, TableError> {
    match options.connector() {
        "nexmark" => nexmark::columns_of(options).map(Some),
        "soupbintcp" => soupbintcp::columns_of(options).map(Some),
        "udp" => udp::columns_of(options),
        name if feeds::CONNECTORS.contains(&name) => feeds::columns(options).map(Some),
        name if READ.contains(&name) || WRITTEN.contains(&name) => Ok(None),
        name if more.iter().any(|it| it.name() == name) => Ok(None),
        name => Err(unknown(name, more).into()),
    }
}

/// The readers of a table: at least one, and one for each thread that may read it.
///
/// # Errors
/// There is no such connector, it can not be read, or its options or columns are wrong; or there is no such input.
pub fn readers(
    options: Options,
    columns: &Columns,
) -> Result<Vec<Box<dyn TableReader>>, TableError> {
    match options.connector() {
        "datagen" => datagen::readers(options, columns),
        "filesystem" => filesystem::readers(options, columns),
        "nexmark" => nexmark::readers(options, columns),
        "soupbintcp" => Ok(vec![soupbintcp::reader(options, columns)?]),
        "stdin" => Ok(vec![stdin::reader(options, columns)?]),
        "tcp" => Ok(vec![tcp::reader(options, columns)?]),
        "udp" => Ok(vec![udp::reader(options, columns)?]),
        name if feeds::CONNECTORS.contains(&name) => Ok(vec![feeds::reader(options, columns)?]),
        name if WRITTEN.contains(&name) => {
            Err(wrong_way(name, "can be written to, and not be read", &READ).into())
        }
        name => Err(unknown(name, &[]).into()),
    }
}

/// The writer of a table.
///
/// # Errors
/// There is no such connector, it can not be written to, or its options or columns are wrong.
pub fn writer(options: Options, columns: &Columns) -> Result<Box<dyn TableWriter>, TableError> {
    match options.connector() {
        "blackhole" => line_writer::blackhole(options),
        "filesystem" => filesystem::writer(options, columns),
        "print" => line_writer::print(options, columns),
        "stdout" => stdout::writer(options, columns),
        "tcp" => tcp::writer(options, columns),
        name if READ.contains(&name) => {
            Err(wrong_way(name, "can be read, and not be written to", &WRITTEN).into())
        }
        name => Err(unknown(name, &[]).into()),
    }
}

fn wrong_way(name: &str, what: &str, others: &[&str]) -> OptionError {
    OptionError::value("connector", name, format!("it {what}; take one of {}", others.join(", ")))
}

fn unknown(name: &str, more: &[&dyn Connector]) -> OptionError {
    let mut known = [&READ[..], &WRITTEN[..]].concat();
    known.extend(more.iter().map(|it| it.name()));
    known.sort_unstable();
    known.dedup();
    let near = nearest(name, &known);
    let expected = format!("there is no such connector{near}; there are {}", known.join(", "));
    OptionError::value("connector", name, expected)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{options, sample};
    use super::*;

    #[test]
    fn a_connector_that_there_is_not_is_named_with_the_nearest() {
        let error = columns_of(&options("filesytem", &[]), &[]).unwrap_err();
        assert!(error.to_string().starts_with(
            "the option 'connector' is 'filesytem': there is no such connector (did you mean 'filesystem'?); there are "
        ));
    }

    #[test]
    fn a_connector_is_not_used_the_wrong_way() {
        let read = readers(options("print", &[]), &sample()).unwrap_err();
        assert!(read.to_string().starts_with(
            "the option 'connector' is 'print': it can be written to, and not be read; take one of "
        ));
        let written = writer(options("datagen", &[]), &sample()).unwrap_err();
        assert_eq!(
            written.to_string(),
            "the option 'connector' is 'datagen': it can be read, and not be written to; take one of blackhole, filesystem, print, stdout, tcp"
        );
        writer(options("blackhole", &[]), &sample()).unwrap();
        let unknown = writer(options("blackhole", &[("x", "y")]), &sample()).unwrap_err();
        assert!(unknown.to_string().starts_with("the connector 'blackhole' knows no option 'x'"));
    }
}
