//! The stream: metadata, then records ("Databento Binary Encoding": Layout).

use dbn::decode::dbn::fsm::{DbnFsm, ProcessResult};
use dbn::{Metadata, TsSymbolMap, VersionUpgradePolicy};
use zerocopy::FromBytes;

use super::record::{Header, Record};
use crate::decode::{DecodeError, Decoded, Decoder, Found};

/// The longest metadata that is read, in bytes. A symbol takes up to about a hundred of them.
pub const METADATA_LEN_MAX: usize = 1 << 28;

/// Of the metadata: `DBN`, the version, and the length of what follows.
const PRELUDE_LEN: usize = 8;

const VERSIONS: std::ops::RangeInclusive<u8> = 1..=3;

/// Whether a file or stream starts as DBN does.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [b'D', b'B', b'N', version, ..] if VERSIONS.contains(version))
}

/// Decodes a DBN stream from its first byte on. The metadata comes out as [`Decoded::Skip`], and is kept.
#[derive(Debug, Default)]
pub struct DbnDecoder {
    head: Option<Box<Head>>,
}

#[derive(Debug)]
struct Head {
    metadata: Metadata,
    /// None where the metadata maps to something other than instrument numbers.
    symbols: Option<TsSymbolMap>,
}

impl DbnDecoder {
    /// The metadata, once it was decoded.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.head.as_ref().map(|head| &head.metadata)
    }

    /// The symbol that the metadata gives an instrument at a time, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn symbol(&self, instrument_id: u32, ts_ns: i64) -> Option<&str> {
        let symbols = self.head.as_ref()?.symbols.as_ref()?;
        symbols.get_for_ts(u64::try_from(ts_ns).ok()?, instrument_id).map(String::as_str)
    }
}

impl Decoder for DbnDecoder {
    type Message<'b> = Record<'b>;

    fn decode<'b>(&mut self, bytes: &'b [u8]) -> Result<Decoded<Record<'b>>, DecodeError> {
        if self.head.is_some() {
            return decode_record(bytes);
        }
        let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE_LEN>() else {
            return Ok(Decoded::NeedMore { needed: PRELUDE_LEN });
        };
        let needed = PRELUDE_LEN + metadata_len(prelude)?;
        let Some(metadata) = bytes.get(..needed) else {
            return Ok(Decoded::NeedMore { needed });
        };
        self.head = Some(Box::new(decode_metadata(metadata)?));
        Ok(Decoded::Skip { consumed: needed })
    }
}

fn decode_record(bytes: &[u8]) -> Result<Decoded<Record<'_>>, DecodeError> {
    let Ok((header, _)) = Header::ref_from_prefix(bytes) else {
        return Ok(Decoded::NeedMore { needed: size_of::<Header>() });
    };
    let consumed = usize::from(header.length()) * 4;
    if consumed < size_of::<Header>() {
        let (expected, found) = ("a record that holds its header", Found::Length(consumed));
        return Err(DecodeError { offset: 0, expected, found, resume: None });
    }
    let Some(record) = bytes.get(..consumed) else {
        return Ok(Decoded::NeedMore { needed: consumed });
    };
    Ok(Decoded::Message { message: Record::view(header, record)?, consumed })
}

fn metadata_len(prelude: &[u8; PRELUDE_LEN]) -> Result<usize, DecodeError> {
    let [name @ .., version, a, b, c, d] = *prelude;
    if name != *b"DBN" || !VERSIONS.contains(&version) {
        let found = Found::Value(u32::from_be_bytes([name[0], name[1], name[2], version]).into());
        let expected = "DBN of version 1 to 3";
        return Err(DecodeError { offset: 0, expected, found, resume: None });
    }
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    if len > METADATA_LEN_MAX {
        let (expected, found) = ("metadata of at most 256 MiB", Found::Length(len));
        return Err(DecodeError { offset: 4, expected, found, resume: None });
    }
    Ok(len)
}

/// Records are read as they were written, so nothing is upgraded.
fn decode_metadata(bytes: &[u8]) -> Result<Head, DecodeError> {
    let broken = DecodeError {
        offset: PRELUDE_LEN as u64,
        expected: "the fields of the metadata",
        found: Found::Length(bytes.len() - PRELUDE_LEN),
        resume: Some(bytes.len()),
    };
    let fsm = DbnFsm::builder().buffer_size(bytes.len()).upgrade_policy(VersionUpgradePolicy::AsIs);
    let mut fsm: DbnFsm = fsm.build().map_err(|_| broken)?;
    fsm.write_all(bytes);
    let ProcessResult::Metadata(metadata) = fsm.process() else { return Err(broken) };
    let symbols = metadata.symbol_map().ok();
    Ok(Head { metadata, symbols })
}
