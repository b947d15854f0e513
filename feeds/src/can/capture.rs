//! A log or a capture, opened: its content says which it is.

use std::io::Read;
use std::path::Path;

use super::Frame;
use super::candump::candump;
use super::socketcan::{LINK_SOCKETCAN, socketcan};
use crate::capture::{CaptureError, Unwrapped};
use crate::decode::{DecodeError, Found};
use crate::net::{Packet, PcapDecoder, PcapNgDecoder};

const CONTENT: &str = "lines of candump, \"(seconds) interface id#data\", or a pcap of SocketCAN";
const PACKET: &str = "a whole packet, as its length says";

/// A frame, with what the log or the capture knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured<'a> {
    /// Where it lies in the unwrapped input, in bytes: the line, or the packet with its header.
    pub offset: u64,
    /// When it was received, in nanoseconds since the Unix epoch.
    pub ts_ns: i64,
    /// On which interface; a capture does not say it.
    pub interface: Option<&'a str>,
    /// The frame.
    pub frame: Frame,
}

/// An open log or capture, plain or in gzip or zstd.
pub struct CanCapture {
    input: Unwrapped,
    content: Content,
}

enum Content {
    Lines,
    Pcap(PcapDecoder),
    PcapNg(Box<PcapNgDecoder>),
}

impl CanCapture {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// The file can not be read, is empty, or holds neither lines of `candump` nor packets.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CaptureError> {
        Self::of(Unwrapped::open(path)?)
    }

    /// Reads from `reader`, which needs no buffer of its own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Self::of(Unwrapped::from_reader(reader)?)
    }

    fn of(mut input: Unwrapped) -> Result<Self, CaptureError> {
        let head = input.head()?;
        let content = if PcapDecoder::looks_like(head) {
            Content::Pcap(PcapDecoder::default())
        } else if PcapNgDecoder::looks_like(head) {
            Content::PcapNg(Box::default())
        } else if candump(input.first_line()?).is_ok() {
            Content::Lines
        } else {
            return Err(input.unexpected(CONTENT));
        };
        Ok(Self { input, content })
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// After [`CaptureError::Decode`] the next call goes on with the next line or packet, or is at the end where there is
    /// no [`DecodeError::resume`]. After any other error nothing more is to be asked for.
    #[allow(clippy::should_implement_trait)] // A frame borrows the window: an iterator can not lend.
    pub fn next(&mut self) -> Result<Option<Captured<'_>>, CaptureError> {
        match &mut self.content {
            Content::Lines => next_line(&mut self.input),
            Content::Pcap(decoder) => {
                let packet = self.input.frame(decoder, PACKET)?;
                let Some((offset, packet)) = packet else { return Ok(None) };
                // The link type is that of the whole file.
                match packet.link {
                    LINK_SOCKETCAN => of_packet(offset, &packet).map(Some),
                    link => Err(CaptureError::NotSocketCan { link }),
                }
            }
            Content::PcapNg(decoder) => {
                let packet = self.input.frame(&mut **decoder, PACKET)?;
                let Some((offset, packet)) = packet else { return Ok(None) };
                of_packet(offset, &packet).map(Some)
            }
        }
    }

    /// Bytes read from the file or the reader, before they are unwrapped.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }

    /// The length of the file in bytes, before it is unwrapped, where it is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.input.bytes_total()
    }
}

/// A line that is blank is no frame and no error.
fn next_line(input: &mut Unwrapped) -> Result<Option<Captured<'_>>, CaptureError> {
    let Some(line) = input.line_where(|text| !text.trim_ascii().is_empty())? else {
        return Ok(None);
    };
    let logged = candump(line.text).map_err(|error| error.at(line.offset))?;
    Ok(Some(Captured {
        offset: line.offset,
        ts_ns: logged.ts_ns,
        interface: Some(logged.interface),
        frame: logged.frame,
    }))
}

fn of_packet<'a>(offset: u64, packet: &Packet<'_>) -> Result<Captured<'a>, CaptureError> {
    let resume = Some(packet.data.len());
    let error = |expected, found| DecodeError { offset, expected, found, resume };
    if packet.link != LINK_SOCKETCAN {
        let expected = "a packet of SocketCAN (link type 227)";
        return Err(error(expected, Found::Value(packet.link.into())).into());
    }
    let Some(ts_ns) = packet.ts_ns else {
        return Err(error("a packet with a time", Found::Length(packet.data.len())).into());
    };
    let frame = socketcan(packet.data).map_err(|error| error.at(offset + packet.offset as u64))?;
    Ok(Captured { offset, ts_ns, interface: None, frame })
}
