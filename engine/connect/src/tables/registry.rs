//! Which connectors there are.

use super::filesystem;
use super::options::nearest;
use super::{Columns, OptionError, Options, OwnColumns, TableError, TableReader, TableWriter};

/// Those that can be read.
const READ: [&str; 1] = ["filesystem"];
/// Those that can be written to.
const WRITTEN: [&str; 1] = ["filesystem"];

/// The columns of a table whose connector knows them itself; `None` where the table has to say them. The options stay as
/// they are.
///
/// # Errors
/// There is no such connector, or its options do not say which table it is.
pub fn columns_of(options: &Options) -> Result<Option<OwnColumns>, TableError> {
    match options.connector() {
        name if READ.contains(&name) || WRITTEN.contains(&name) => Ok(None),
        name => Err(unknown(name).into()),
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
        "filesystem" => filesystem::readers(options, columns),
        name if WRITTEN.contains(&name) => {
            Err(wrong_way(name, "can be written to, and not be read", &READ).into())
        }
        name => Err(unknown(name).into()),
    }
}

/// The writer of a table.
///
/// # Errors
/// There is no such connector, it can not be written to, or its options or columns are wrong.
pub fn writer(options: Options, columns: &Columns) -> Result<Box<dyn TableWriter>, TableError> {
    match options.connector() {
        "filesystem" => filesystem::writer(options, columns),
        name if READ.contains(&name) => {
            Err(wrong_way(name, "can be read, and not be written to", &WRITTEN).into())
        }
        name => Err(unknown(name).into()),
    }
}

fn wrong_way(name: &str, what: &str, others: &[&str]) -> OptionError {
    OptionError::value("connector", name, format!("it {what}; take one of {}", others.join(", ")))
}

fn unknown(name: &str) -> OptionError {
    let mut known = [&READ[..], &WRITTEN[..]].concat();
    known.sort_unstable();
    known.dedup();
    let near = nearest(name, &known);
    let expected = format!("there is no such connector{near}; there are {}", known.join(", "));
    OptionError::value("connector", name, expected)
}
