//! A JSON object as a row.
//!
//! 1. An object is gone over once, and the places of the wanted values in it are noted. Of a name that comes twice the last
//!    value counts.
//! 2. Values are then read from their text, in the order of the columns: numbers never become floats on the way.

use tidewire_event::RowWriter;

use super::json_scan::{NoObject, ObjectScan};
use super::json_value::{nested, unescape};
use super::target::Target;
use super::text::{Bad, Scalar, is_nested};
use super::{OptionError, Options};

/// Reads objects.
#[derive(Debug)]
pub(super) struct JsonRow {
    pub(super) options: JsonOptions,
    /// Of each target, where its value stands in the text; empty if it is missing.
    spans: Vec<Span>,
    scan: ObjectScan,
    scratch: Scratch,
}

/// Where values are made that do not stand in the text as they are.
#[derive(Debug, Default)]
struct Scratch {
    unescaped: Vec<u8>,
    decoded: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Span {
    from: usize,
    to: usize,
}

impl JsonRow {
    /// Reads so many targets of each object.
    pub(super) fn new(options: JsonOptions, targets: usize) -> Self {
        let spans = vec![Span::default(); targets];
        Self { options, spans, scan: ObjectScan::default(), scratch: Scratch::default() }
    }

    /// Notes where the values of the targets stand.
    #[inline]
    pub(super) fn find<M>(&mut self, targets: &[Target<M>], text: &[u8]) -> Result<(), NoObject> {
        let Self { spans, scan, scratch, .. } = self;
        spans.fill(Span::default());
        let column = |name: &[u8], is_escaped: bool| {
            let name = match is_escaped {
                false => name,
                // No column has a name that is no text.
                true if unescape(name, &mut scratch.unescaped).is_err() => return None,
                true => &scratch.unescaped,
            };
            let is_it =
                |target: &Target<M>| target.metadata.is_none() && target.name.as_bytes() == name;
            targets.iter().position(is_it)
        };
        scan.values(text, column, |at, place| {
            spans[at] = Span { from: place.start, to: place.end };
        })
    }

    /// The value of a target in the text in which it was found, and where that begins.
    pub(super) fn value<'t>(&self, at: usize, text: &'t [u8]) -> (usize, &'t [u8]) {
        let Span { from, to } = self.spans[at];
        (from, &text[from..to])
    }

    /// Writes the value of a target into a row.
    #[inline]
    pub(super) fn put<M>(
        &mut self,
        at: usize,
        target: &Target<M>,
        text: &[u8],
        row: &mut RowWriter<'_>,
    ) -> Result<(), Bad> {
        let Span { from, to } = self.spans[at];
        put(target, &text[from..to], self.options.needs_all, row, &mut self.scratch)
    }
}

/// The options of JSON, whether a table is read or written.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonOptions {
    /// What can not be read is NULL or left out.
    pub(super) ignores: bool,
    needs_all: bool,
    /// What stands between a date and a time that are written; both forms are read.
    pub(super) between: char,
    /// Whether what is NULL is not written.
    pub(super) without_null: bool,
}

impl JsonOptions {
    pub(super) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let style =
            options.parse(
                "json.timestamp-format.standard",
                "SQL or ISO-8601",
                |text| match text {
                    "SQL" => Some(' '),
                    "ISO-8601" => Some('T'),
                    _ => None,
                },
            )?;
        let plain = "json.encode.decimal-as-plain-number";
        if options.flag(plain)? == Some(false) {
            return Err(OptionError::value(plain, "false", "decimals are written plain: true"));
        }
        Ok(Self {
            ignores: options.flag("json.ignore-parse-errors")?.unwrap_or(false),
            needs_all: options.flag("json.fail-on-missing-field")?.unwrap_or(false),
            between: style.unwrap_or(' '),
            without_null: options.flag("json.encode.ignore-null-fields")?.unwrap_or(false),
        })
    }
}

/// Writes a value into a row.
#[inline]
fn put<M>(
    target: &Target<M>,
    json: &[u8],
    needs_all: bool,
    row: &mut RowWriter<'_>,
    scratch: &mut Scratch,
) -> Result<(), Bad> {
    let text = match json {
        [] if needs_all => return Err(Bad::Missing),
        [] | b"null" => return target.put_null(row),
        _ if is_nested(&target.ty) => {
            let value = nested(&target.ty, json)?;
            scratch.decoded.clear();
            value.encode(&target.ty, &mut scratch.decoded);
            return row.text(&target.slot, &scratch.decoded).map_err(Bad::NoRoom);
        }
        [b'"', inner @ .., b'"'] if inner.contains(&b'\\') => {
            let Scratch { unescaped, decoded } = scratch;
            unescape(inner, unescaped)?;
            return Scalar::put_text(&target.ty, unescaped, decoded, row, &target.slot);
        }
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    };
    Scalar::put_text(&target.ty, text, &mut scratch.decoded, row, &target.slot)
}
