//! Rows as JSON objects.

use std::fmt;

use tidewire_event::{DataType, Slot, Value};

use super::Columns;
use super::json_row::JsonOptions;
use super::json_value::{write, write_scalar, write_string};
use super::text::{Scalar, is_nested};

/// Makes lines of JSON of rows.
#[derive(Debug, Clone)]
pub(super) struct JsonText {
    options: JsonOptions,
    /// Each with its name as JSON writes it.
    columns: Vec<(String, DataType, Slot)>,
    line: String,
}

impl JsonText {
    pub(super) fn new(options: JsonOptions, columns: &Columns) -> Self {
        let typed = columns.columns.iter().zip(columns.layout.slots());
        let columns = typed.map(|(column, slot)| {
            let mut name = String::new();
            write_string(&column.field.name, &mut name);
            (name, column.field.ty.clone(), *slot)
        });
        Self { options, columns: columns.collect(), line: String::new() }
    }

    /// The line of a row.
    pub(super) fn line(&mut self, row: &[u8]) -> Result<&str, fmt::Error> {
        let Self { options, columns, line } = self;
        line.clear();
        line.push('{');
        for (name, ty, slot) in columns {
            let is_null = slot.is_null(row);
            if is_null && options.without_null {
                continue;
            }
            if line.len() > 1 {
                line.push(',');
            }
            line.push_str(name);
            line.push(':');
            if is_null {
                line.push_str("null");
            } else if is_nested(ty) {
                let value = Value::of_bytes(slot.text(row), ty).ok_or(fmt::Error)?;
                write(&value, ty, options.between, line)?;
            } else {
                write_scalar(Scalar::of_row(row, slot), ty, options.between, line)?;
            }
        }
        line.push_str("}\n");
        Ok(line)
    }
}
