//! How CSV is written: Flink's options, and `csv.header`.
//!
//! As in Flink, what is written like the NULL literal reads back as NULL: a text that is the same, or an array of nothing
//! but one NULL.

use std::fmt::{self, Write};

use tidewire_event::{DataType, Slot, Value};

use super::text::{Scalar, is_nested, write_plain};
use super::{Columns, OptionError, Options};

/// The options of CSV.
#[derive(Debug, Clone)]
pub(super) struct CsvOptions {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    pub(super) null: Option<String>,
    pub(super) array_delimiter: String,
    pub(super) header: bool,
    /// Lines that begin with `#` are left out of what is read.
    pub(super) comments: bool,
    /// What can not be read is NULL or left out.
    pub(super) ignores: bool,
}

impl Default for CsvOptions {
    /// With a header, as RFC 4180 has it.
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            null: None,
            array_delimiter: ";".to_owned(),
            header: true,
            comments: false,
            ignores: false,
        }
    }
}

impl CsvOptions {
    /// Those of a table, whether it is read or written.
    pub(super) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let one = "one character of ASCII";
        let delimiter = options.parse("csv.field-delimiter", one, character)?;
        let quote = options.parse("csv.quote-character", one, character)?;
        let unquoted = options.flag("csv.disable-quote-character")?.unwrap_or(false);
        if unquoted && quote.is_some() {
            let expected = "leave it out, since csv.quote-character is given";
            return Err(OptionError::value("csv.disable-quote-character", "true", expected));
        }
        let array = options.take("csv.array-element-delimiter");
        let plain = "csv.write-bigdecimal-in-scientific-notation";
        if options.flag(plain)? == Some(true) {
            return Err(OptionError::value(plain, "true", "decimals are written plain: false"));
        }
        Ok(Self {
            delimiter: delimiter.unwrap_or(b','),
            quote: (!unquoted).then_some(quote.unwrap_or(b'"')),
            escape: options.parse("csv.escape-character", one, character)?,
            null: options.take("csv.null-literal"),
            array_delimiter: array.unwrap_or_else(|| ";".to_owned()),
            header: options.flag("csv.header")?.unwrap_or(false),
            comments: options.flag("csv.allow-comments")?.unwrap_or(false),
            ignores: options.flag("csv.ignore-parse-errors")?.unwrap_or(false),
        })
    }
}

/// A character, or `\t` and the like.
fn character(text: &str) -> Option<u8> {
    match text {
        "\\t" => Some(b'\t'),
        "\\\\" => Some(b'\\'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Some(*byte),
            _ => None,
        },
    }
}

/// Refuses columns of types that CSV has no form for.
pub(super) fn check(columns: &Columns) -> Result<(), OptionError> {
    for column in &columns.columns {
        let ty = &column.field.ty;
        let fits = match ty {
            DataType::Array(of) => !is_nested(of),
            DataType::Row(fields) => !fields.iter().any(|field| is_nested(&field.ty)),
            DataType::Map(..) => false,
            _ => true,
        };
        if !fits {
            let name = &column.field.name;
            let expected =
                format!("CSV has no form for the column '{name}' of type {ty}: take 'json'");
            return Err(OptionError::value("format", "csv", expected));
        }
    }
    Ok(())
}

/// Makes lines of CSV of rows.
#[derive(Debug, Clone)]
pub(super) struct CsvText {
    options: CsvOptions,
    names: Vec<String>,
    columns: Vec<(DataType, Slot)>,
    field: String,
    line: String,
}

impl CsvText {
    pub(super) fn new(options: CsvOptions, columns: &Columns) -> Self {
        let slots = columns.layout.slots();
        let typed = columns.columns.iter().zip(slots);
        Self {
            options,
            names: columns.columns.iter().map(|column| column.field.name.clone()).collect(),
            columns: typed.map(|(column, slot)| (column.field.ty.clone(), *slot)).collect(),
            field: String::new(),
            line: String::new(),
        }
    }

    /// The names of the columns, if they stand at the top.
    pub(super) fn header(&self) -> Option<String> {
        let mut line = String::new();
        for (at, name) in self.names.iter().enumerate() {
            put_field(&self.options, at, name, &mut line);
        }
        line.push('\n');
        self.options.header.then_some(line)
    }

    /// The line of a row.
    pub(super) fn line(&mut self, row: &[u8]) -> Result<&str, fmt::Error> {
        self.line_with(row, false)
    }

    /// The line of a row for people: nested values as they are printed, at any depth.
    pub(super) fn line_shown(&mut self, row: &[u8]) -> Result<&str, fmt::Error> {
        self.line_with(row, true)
    }

    fn line_with(&mut self, row: &[u8], is_shown: bool) -> Result<&str, fmt::Error> {
        let Self { options, columns, field, line, .. } = self;
        line.clear();
        for (at, (ty, slot)) in columns.iter().enumerate() {
            field.clear();
            if slot.is_null(row) {
                field.push_str(options.null.as_deref().unwrap_or_default());
            } else if is_nested(ty) {
                let value = Value::of_bytes(slot.text(row), ty).ok_or(fmt::Error)?;
                match is_shown {
                    true => write_plain(&value, ty, field)?,
                    false => write_nested(&value, ty, options, field)?,
                }
            } else {
                Scalar::of_row(row, slot).write(ty, ' ', field)?;
            }
            put_field(options, at, field, line);
        }
        if line.is_empty()
            && let Some(quote) = options.quote
        {
            // Else the line would be none.
            line.extend([char::from(quote); 2]);
        }
        line.push('\n');
        Ok(line)
    }
}

/// Appends a field, in quotes if it needs them.
fn put_field(options: &CsvOptions, at: usize, field: &str, line: &mut String) {
    let CsvOptions { delimiter, quote, escape, .. } = *options;
    if at > 0 {
        line.push(delimiter.into());
    }
    let is_special = |byte: u8| {
        byte == delimiter
            || Some(byte) == quote
            || Some(byte) == escape
            || matches!(byte, b'\n' | b'\r')
            || (byte == b'#' && options.comments)
    };
    if !field.bytes().any(is_special) {
        line.push_str(field);
        return;
    }
    let Some(quote) = quote.map(char::from) else {
        for char in field.chars() {
            if let Some(escape) = escape.filter(|_| char.is_ascii() && is_special(char as u8)) {
                line.push(escape.into());
            }
            line.push(char);
        }
        return;
    };
    line.push(quote);
    for char in field.chars() {
        match escape.map(char::from) {
            Some(escape) if char == escape || char == quote => line.push(escape),
            None if char == quote => line.push(quote),
            _ => {}
        }
        line.push(char);
    }
    line.push(quote);
}

/// Appends the items of an array or row, with what stands between them.
fn write_nested(
    value: &Value,
    ty: &DataType,
    options: &CsvOptions,
    out: &mut String,
) -> fmt::Result {
    let Value::List(items) = value else { return Err(fmt::Error) };
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.write_str(&options.array_delimiter)?;
        }
        let of = match ty {
            DataType::Row(fields) => fields.get(at).map(|field| &field.ty),
            DataType::Array(of) => Some(&**of),
            _ => None,
        };
        match Scalar::of_value(item) {
            Some(scalar) => scalar.write(of.ok_or(fmt::Error)?, ' ', out)?,
            None => out.write_str(options.null.as_deref().unwrap_or_default())?,
        }
    }
    Ok(())
}
