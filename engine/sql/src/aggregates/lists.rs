//! Values of a window one behind the other: LISTAGG, ARRAY_AGG, COLLECT.
//!
//! 1. They stand in the order of event time, then of the places in the input, however partial results were combined.
//! 2. There is room for a number of bytes. What does not fit is a fault, never left out.

use std::collections::BTreeMap;

use tidewire_dataflow::Window;
use tidewire_event::{Header, Slot, Value};

use super::calls::{Answer, Problem, State};
use super::codec::{Codec, TEXT_BYTES_MAX};
use super::kept::{put_stand, stand};
use super::region::{self, HEAD_BYTES};

/// Before the value: where its row stands, and whether it is there.
const ENTRY_HEAD_BYTES: usize = 17;

/// The bytes of an entry at most.
const ENTRY_BYTES_MAX: usize = ENTRY_HEAD_BYTES + 2 + TEXT_BYTES_MAX;

/// What a list becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A text, with this between its parts.
    Text(Vec<u8>),
    /// An ARRAY, in which NULL has its place.
    Array,
    /// A MAP of each value to how often it is there.
    Counts,
}

/// A list.
#[derive(Debug)]
pub(super) struct List {
    pub(super) codec: Codec,
    pub(super) slot: Slot,
    pub(super) becomes: Becomes,
    /// Bytes for its entries.
    pub(super) room: usize,
}

impl List {
    /// The bytes of the entry at the beginning of `entries`.
    fn entry_bytes(&self, entries: &[u8]) -> usize {
        let value = match (entries[16], self.codec.is_text()) {
            (0, _) => 0,
            (_, true) => 2 + self.codec.text(&entries[ENTRY_HEAD_BYTES..]).len(),
            (_, false) => self.codec.bytes(),
        };
        ENTRY_HEAD_BYTES + value
    }

    /// All entries.
    fn entries<'p>(&self, part: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let mut rest = region::entries(part);
        std::iter::from_fn(move || {
            let bytes = (!rest.is_empty()).then(|| self.entry_bytes(rest))?;
            let (entry, behind) = rest.split_at_checked(bytes)?;
            rest = behind;
            Some(entry)
        })
    }

    fn put(&self, part: &mut [u8], entry: &[u8]) -> Result<(), Problem> {
        let here = stand(entry);
        let before = self.entries(part).take_while(|other| stand(other) <= here);
        let at = before.map(<[u8]>::len).sum();
        region::insert(part, at, entry, "the values of a list")
    }

    /// The values; `None` for NULL.
    fn values<'p>(&self, part: &'p [u8]) -> impl Iterator<Item = Option<&'p [u8]>> {
        self.entries(part).map(|entry| (entry[16] != 0).then(|| &entry[ENTRY_HEAD_BYTES..]))
    }
}

impl State for List {
    fn bytes(&self) -> usize {
        HEAD_BYTES + self.room
    }

    fn insert(&self, part: &mut [u8], header: &Header, row: &[u8]) -> Result<(), Problem> {
        let is_null = self.slot.is_null(row);
        if is_null && self.becomes != Becomes::Array {
            return Ok(());
        }
        let mut entry = [0; ENTRY_BYTES_MAX];
        put_stand(&mut entry, header);
        if !is_null {
            entry[16] = 1;
            self.codec.keep(&self.slot, row, &mut entry[ENTRY_HEAD_BYTES..])?;
        }
        let bytes = self.entry_bytes(&entry);
        self.put(part, &entry[..bytes])
    }

    fn combine(&self, whole: &mut [u8], later: &[u8]) -> Result<(), Problem> {
        self.entries(later).try_for_each(|entry| self.put(whole, entry))
    }

    fn lower(&self, part: &[u8], _: Window, answer: &mut Answer<'_, '_>) -> Result<(), Problem> {
        let is_empty = region::entries(part).is_empty();
        let mut bytes = Vec::new();
        match &self.becomes {
            Becomes::Text(_) | Becomes::Array if is_empty => {
                answer.null();
                return Ok(());
            }
            Becomes::Text(separator) => {
                let texts = self.values(part).flatten().map(|value| self.codec.text(value));
                for (index, text) in texts.enumerate() {
                    bytes.extend_from_slice(if index > 0 { separator } else { &[] });
                    bytes.extend_from_slice(text);
                }
            }
            Becomes::Array => {
                let values = self.values(part);
                let of =
                    |value: Option<&[u8]>| value.map_or(Value::Null, |it| self.codec.value(it));
                let ty = tidewire_event::DataType::Array(Box::new(self.codec.ty.clone()));
                Value::List(values.map(of).collect()).encode(&ty, &mut bytes);
            }
            Becomes::Counts => {
                // The bytes of a value are its order here: it says no more than which are the same.
                let mut counts: BTreeMap<&[u8], i64> = BTreeMap::new();
                self.values(part)
                    .flatten()
                    .for_each(|value| *counts.entry(value).or_default() += 1);
                let counts = counts.into_iter();
                let counts = counts.map(|(it, count)| (self.codec.value(it), Value::Int(count)));
                Value::Map(counts.collect()).encode(&self.counts_type(), &mut bytes);
            }
        }
        answer.writer.text(answer.slot, &bytes).map_err(|no_room| Problem::of(&no_room))
    }
}

impl List {
    fn counts_type(&self) -> tidewire_event::DataType {
        use tidewire_event::DataType::{Int, Map};
        Map(Box::new(self.codec.ty.clone()), Box::new(Int))
    }
}
