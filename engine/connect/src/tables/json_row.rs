//! A JSON object as a row.
//!
//! 1. An object is gone over once, and the places of the wanted values in it are noted; no tree is built. Of a name that
//!    comes twice the last value counts.
//! 2. Values are then read from their text, in the order of the columns: numbers never become floats on the way.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use tidewire_event::RowWriter;

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
        Self { options, spans: vec![Span::default(); targets], scratch: Scratch::default() }
    }

    /// Notes where the values of the targets stand.
    #[inline]
    pub(super) fn find<M>(
        &mut self,
        targets: &[Target<M>],
        text: &[u8],
    ) -> Result<(), serde_json::Error> {
        self.spans.fill(Span::default());
        let object = Object { targets, spans: &mut self.spans, base: text.as_ptr() as usize };
        let mut json = serde_json::Deserializer::from_slice(text);
        object.deserialize(&mut json)?;
        json.end()
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

/// Takes in an object.
struct Object<'c, M> {
    targets: &'c [Target<M>],
    spans: &'c mut [Span],
    /// Where the text begins.
    base: usize,
}

impl<'de, M> DeserializeSeed<'de> for Object<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, M> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut next = 0;
        while let Some(target) = map.next_key_seed(Name { targets: self.targets, next })? {
            let Some(target) = target else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&RawValue>()?.get();
            let from = value.as_ptr() as usize - self.base;
            self.spans[target] = Span { from, to: from + value.len() };
            next = target + 1;
        }
        Ok(())
    }
}

/// Takes in a name, and gives the target that is called so. The one at `next` is tried first: the order of names is
/// nearly always that of the columns.
struct Name<'c, M> {
    targets: &'c [Target<M>],
    next: usize,
}

impl<'de, M> DeserializeSeed<'de> for Name<'_, M> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<usize>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<M> Visitor<'_> for Name<'_, M> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        let is_it = |target: &Target<M>| target.metadata.is_none() && target.name == name;
        if self.targets.get(self.next).is_some_and(is_it) {
            return Ok(Some(self.next));
        }
        Ok(self.targets.iter().position(is_it))
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
            return Scalar::read(&target.ty, unescaped, decoded)?.put(row, &target.slot);
        }
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    };
    Scalar::read(&target.ty, text, &mut scratch.decoded)?.put(row, &target.slot)
}
