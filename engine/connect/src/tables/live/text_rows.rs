//! Rows of messages in a format: a message is a row, or none.

use std::collections::BTreeMap;

use tidewire_event::{RowWriter, Slot};

use super::super::message::{BadMessage, MessageDecoder, decoder};
use super::super::{Columns, OptionError, Options, Read, TableError};
use super::{Decode, Message};

/// What a connector knows of a message beside its columns, and where a message came from.
pub trait Known: Send {
    /// Writes a column of metadata, the number `at` of a row.
    ///
    /// # Errors
    /// The row has no room for it.
    fn write(
        &mut self,
        at: usize,
        slot: &Slot,
        message: &Message<'_>,
        row: &mut RowWriter<'_>,
    ) -> Result<(), BadMessage>;

    /// The part of a message that is in the table's format.
    fn payload<'b>(&self, message: &Message<'b>) -> &'b [u8];

    /// Where a message came from, for people to read.
    fn place(&self, message: &Message<'_>) -> String;
}

/// Makes rows of messages.
pub struct TextRows<K> {
    decoder: Box<dyn MessageDecoder>,
    known: K,
    skips: bool,
    /// Whether a message of blanks is no message.
    passes_blanks: bool,
    left_out: BTreeMap<&'static str, u64>,
}

impl<K: Known> TextRows<K> {
    /// Takes the options of the format, and `on-error`.
    ///
    /// # Errors
    /// One of them is wrong, or the format has no form for a column.
    pub fn take(options: &mut Options, columns: &Columns, known: K) -> Result<Self, TableError> {
        let skips = options.parse("on-error", "fail or skip", |text| match text {
            "fail" => Some(false),
            "skip" => Some(true),
            _ => None,
        })?;
        let mut format = options.clone();
        let is_raw =
            format.take("format").or(format.take("value.format")).as_deref() == Some("raw");
        Ok(Self {
            decoder: decoder(options, columns)?,
            known,
            skips: skips.unwrap_or(false),
            passes_blanks: !is_raw,
            left_out: BTreeMap::new(),
        })
    }
}

impl<K: Known> Decode for TextRows<K> {
    const NEEDS_ALL: bool = false;

    #[inline]
    fn first(&mut self, message: &Message<'_>, row: &mut [u8]) -> Result<Option<Read>, TableError> {
        let Self { decoder, known, skips, passes_blanks, left_out } = self;
        let payload = known.payload(message);
        if *passes_blanks && payload.trim_ascii().is_empty() {
            *left_out.entry("they are blank").or_default() += 1;
            return Ok(None);
        }
        let decoded = decoder
            .decode(payload, row, &mut |at, slot, writer| known.write(at, slot, message, writer));
        match decoded {
            Ok(()) => {
                let received = Some(message.received);
                Ok(Some(Read::Row { received, partition: 0 }))
            }
            Err(bad) if *skips && !bad.has_no_room => {
                *left_out.entry(bad.reason).or_default() += 1;
                row.fill(0);
                Ok(None)
            }
            Err(bad) => {
                let help = match bad.has_no_room {
                    true => "",
                    false => "; 'on-error' = 'skip' goes on without such messages",
                };
                let problem = format!("{}{help}", bad.problem);
                Err(TableError::Input { place: known.place(message), problem })
            }
        }
    }

    fn more(&mut self, _: &mut [u8]) -> Result<Option<Read>, TableError> {
        Ok(None)
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let mut skipped = self.decoder.skipped();
        let left_out = self.left_out.iter();
        skipped.extend(left_out.map(|(why, count)| (format!("messages left out: {why}"), *count)));
        skipped
    }
}

/// Messages of which nothing is known but their number: lines of one stream, or of several.
#[derive(Debug)]
pub(in crate::tables) struct Numbered {
    /// Where they come from.
    place: String,
}

impl Numbered {
    /// A table without columns of metadata.
    pub(in crate::tables) fn new(place: String, columns: &Columns) -> Result<Self, OptionError> {
        match columns.table.iter().find_map(|column| column.metadata.as_ref()) {
            Some(key) => {
                let expected = "this connector knows no metadata";
                Err(OptionError::value("metadata", key, expected))
            }
            None => Ok(Self { place }),
        }
    }
}

impl Known for Numbered {
    fn write(
        &mut self,
        _: usize,
        _: &Slot,
        _: &Message<'_>,
        _: &mut RowWriter<'_>,
    ) -> Result<(), BadMessage> {
        Ok(())
    }

    fn payload<'b>(&self, message: &Message<'b>) -> &'b [u8] {
        message.bytes
    }

    fn place(&self, message: &Message<'_>) -> String {
        format!("{}, message {}", self.place, message.number + 1)
    }
}
