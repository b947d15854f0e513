//! `tidewire publish`.

mod gaps;
mod line;
mod packets;
mod soup;

use std::io;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use tidewire_event::time::{MILLISECOND, SECOND};
use tidewire_feeds::capture::CaptureError;
use tidewire_feeds::mold::{self, HISTORY_BYTES_MAX, History, PacketBuilder};
use tidewire_runtime::Rate;
use tidewire_runtime::clock::{Clock, MonotonicClock};
use tidewire_runtime::rate::Schedule;
use tidewire_udp::{Interface, Sender, UdpError};

use self::gaps::GapServer;
use self::line::{Chance, Faults, Line};
use self::packets::{Packet, Packets};
use self::soup::SoupServer;
use super::CommandError;
use super::replay::nanoseconds_of;
use crate::terminal::{grouped, nanoseconds, say};

/// Lines at most.
const LINES_MAX: usize = 8;
/// A line on which nothing was sent for so long has a heartbeat.
const HEARTBEAT_NS: i64 = SECOND;
/// How often the end of the session is told.
const END_NS: i64 = 100 * MILLISECOND;
/// The longest sleep between two looks at the servers.
const NAP_NS: i64 = 200_000;

/// What to send, where to, and what goes wrong with it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The capture: ITCH messages in a file, or MoldUDP64 packets in a pcap, which go out as they are.
    capture: PathBuf,
    /// Where the lines go to: multicast groups or addresses with ports, commas between them.
    #[arg(long, value_name = "ADDR,...", value_delimiter = ',', required_unless_present = "soup")]
    to: Vec<SocketAddrV4>,
    /// The interface that multicast goes out on: its name, or an address of it.
    #[arg(long, value_name = "NAME")]
    interface: Option<Interface>,
    /// How many networks multicast may cross.
    #[arg(long, default_value_t = 1)]
    ttl: u32,
    /// The pace: max, recorded, a factor of the recorded pace as 2x, or messages as 250000/s.
    #[arg(long, default_value = "recorded")]
    rate: Rate,
    /// Which share of the packets is lost, on each line on its own: 0.1% or 0.001.
    #[arg(long, value_name = "SHARE", default_value = "0")]
    drop: Chance,
    /// Which share is sent twice.
    #[arg(long, value_name = "SHARE", default_value = "0")]
    duplicate: Chance,
    /// Which share is overtaken, by one to four packets.
    #[arg(long, value_name = "SHARE", default_value = "0")]
    reorder: Chance,
    /// The same seed meets the same packets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Answer requests for what was lost at this address.
    #[arg(long, value_name = "ADDR")]
    serve_gaps: Option<SocketAddrV4>,
    /// Serve the same messages over SoupBinTCP at this address. Without --to, sending begins when a client has logged in.
    #[arg(long, value_name = "ADDR")]
    soup: Option<SocketAddrV4>,
    /// The session of packets that are made of a file's messages: at most 10 characters.
    #[arg(long, default_value = "TIDEWIRE01", value_parser = session)]
    session: Session,
    /// How long the end is told and requests are answered, after the last that was asked.
    #[arg(long, default_value = "1s", value_name = "DURATION", value_parser = nanoseconds_of)]
    linger: i64,
}

/// The name of a session.
#[derive(Debug, Clone, Copy)]
struct Session(mold::Session);

fn session(text: &str) -> Result<Session, String> {
    let is_fit = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_fit {
        return Err("a session is 1 to 10 letters and digits".to_owned());
    }
    let mut session = [b' '; 10];
    session[10 - text.len()..].copy_from_slice(text.as_bytes());
    Ok(Session(session))
}

/// Why a capture could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Udp(#[from] UdpError),
    #[error("{}: {format} can not be sent: publish takes ITCH, in a file or in packets", path.display())]
    Format { path: PathBuf, format: &'static str },
    #[error("{}: no packet of MoldUDP64 in it", path.display())]
    NoPackets { path: PathBuf },
    #[error("at most {LINES_MAX} lines, not {0}")]
    Lines(usize),
    #[error("{address}: can not listen: {source}")]
    Listen { address: SocketAddrV4, source: io::Error },
}

/// What was sent.
#[derive(Debug, Default)]
struct Sent {
    packets: u64,
    messages: u64,
    heartbeats: u64,
    /// How late the latest packet was, ns.
    behind: i64,
}

/// All that sends and answers.
struct Publisher {
    clock: MonotonicClock,
    lines: Vec<Line>,
    history: History,
    session: mold::Session,
    /// The number of the next message.
    next: u64,
    gaps: Option<GapServer>,
    soup: Option<SoupServer>,
    last_sent: i64,
    sent: Sent,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), CommandError> {
    if arguments.to.len() > LINES_MAX {
        return Err(PublishError::Lines(arguments.to.len()).into());
    }
    let Session(made) = arguments.session;
    let mut packets = Packets::open(&arguments.capture, made)?;
    let mut publisher = Publisher::open(arguments, packets.session(made))?;
    publisher.wait_for_client(arguments.to.is_empty());
    publisher.send_all(&mut packets, arguments.rate)?;
    publisher.end(arguments.linger)?;
    publisher.say(packets.left_out());
    Ok(())
}

impl Publisher {
    fn open(arguments: &Arguments, session: mold::Session) -> Result<Self, PublishError> {
        let Arguments { to, interface, ttl, drop, duplicate, reorder, seed, .. } = arguments;
        let faults = Faults { drop: *drop, duplicate: *duplicate, reorder: *reorder };
        let line = |(number, to): (u64, &SocketAddrV4)| {
            Ok(Line::new(Sender::open(*to, *interface, *ttl)?, number, faults, *seed))
        };
        let lines = (0..).zip(to).map(line).collect::<Result<_, UdpError>>()?;
        let gaps = arguments.serve_gaps.map(GapServer::open).transpose()?;
        if let Some(address) = gaps.as_ref().and_then(GapServer::address) {
            say(&format!("answering requests at {address}"));
        }
        let soup = match arguments.soup {
            Some(address) => {
                let failed = |source| PublishError::Listen { address, source };
                let soup = SoupServer::open(address, session).map_err(failed)?;
                say(&format!("SoupBinTCP at {}", soup.address().map_err(failed)?));
                Some(soup)
            }
            None => None,
        };
        let clock = MonotonicClock::start();
        let last_sent = clock.now();
        let history = History::new(session, HISTORY_BYTES_MAX);
        let sent = Sent::default();
        Ok(Self { clock, lines, history, session, next: 1, gaps, soup, last_sent, sent })
    }

    /// Waits for the first client, where there is nobody else to send to.
    fn wait_for_client(&mut self, is_alone: bool) {
        while is_alone && !self.soup.as_ref().is_some_and(SoupServer::has_client) {
            let Some(soup) = &mut self.soup else { return };
            if !soup.serve(&self.history, 0, false, self.clock.now()) {
                nap(NAP_NS);
            }
        }
        self.last_sent = self.clock.now();
    }

    fn send_all(&mut self, packets: &mut Packets, rate: Rate) -> Result<(), PublishError> {
        let mut schedule = Schedule::new(rate, self.clock.now());
        while let Some(Packet { payload, messages, recorded }) = packets.next()? {
            // A packet can not be sent before its last message is there.
            let last = (self.sent.messages + messages).saturating_sub(1);
            let due = match schedule.due_of(last) {
                Some(due) => Some(due),
                None if schedule.follows_the_recording() => Some(schedule.due_at(recorded)),
                None => None,
            };
            match due {
                Some(due) => self.wait_until(due)?,
                None => {
                    self.serve(false)?;
                }
            }
            if let Ok(packet) = mold::Packet::parse(payload) {
                self.next = self.next.max(packet.sequence().saturating_add(messages));
            }
            self.history.keep(payload);
            for line in &mut self.lines {
                line.send(payload)?;
            }
            self.last_sent = self.clock.now();
            self.sent.packets += 1;
            self.sent.messages += messages;
            let behind = due.map_or(0, |due| self.last_sent - due);
            self.sent.behind = self.sent.behind.max(behind);
        }
        for line in &mut self.lines {
            line.flush()?;
        }
        Ok(())
    }

    /// Answers and sends heartbeats until `due`, ns of the clock.
    fn wait_until(&mut self, due: i64) -> Result<(), PublishError> {
        loop {
            let was_busy = self.serve(false)?;
            let now = self.clock.now();
            if now >= due {
                return Ok(());
            }
            if now - self.last_sent >= HEARTBEAT_NS {
                self.heartbeat()?;
            }
            if !was_busy {
                nap((due - now).min(NAP_NS));
            }
        }
    }

    fn heartbeat(&mut self) -> Result<(), PublishError> {
        PacketBuilder::new(self.session, self.next)
            .finish(|bytes| self.lines.iter_mut().try_for_each(|line| line.send_now(bytes)))?;
        self.sent.heartbeats += 1;
        self.last_sent = self.clock.now();
        Ok(())
    }

    /// Answers what has been asked. Whether anything was.
    fn serve(&mut self, ended: bool) -> Result<bool, PublishError> {
        let mut was_busy = false;
        if let Some(gaps) = &mut self.gaps {
            was_busy |= gaps.serve(&self.history)?;
        }
        if let Some(soup) = &mut self.soup {
            was_busy |= soup.serve(&self.history, self.next - 1, ended, self.clock.now());
        }
        Ok(was_busy)
    }

    /// Tells the end of the session, until nobody has asked for anything for as long as `linger`, ns.
    fn end(&mut self, linger: i64) -> Result<(), PublishError> {
        let mut busy_at = self.clock.now();
        let mut told_at = busy_at - END_NS;
        while self.clock.now() - busy_at < linger {
            let now = self.clock.now();
            if now - told_at >= END_NS {
                PacketBuilder::new(self.session, self.next).finish_session(|bytes| {
                    self.lines.iter_mut().try_for_each(|line| line.send_now(bytes))
                })?;
                told_at = now;
            }
            if self.serve(true)? {
                busy_at = self.clock.now();
            } else {
                nap(NAP_NS);
            }
        }
        Ok(())
    }

    fn say(&self, left_out: u64) {
        let Sent { packets, messages, heartbeats, behind } = &self.sent;
        say(&format!(
            "{} packets with {} messages sent, {} heartbeats, at most {} behind the schedule",
            grouped(packets),
            grouped(messages),
            grouped(heartbeats),
            nanoseconds(behind.unsigned_abs()),
        ));
        if left_out > 0 {
            say(&format!("left out of the capture: {}", grouped(left_out)));
        }
        for (number, line) in (1..).zip(&self.lines) {
            let it = &line.counters;
            say(&format!(
                "line {number}: {} datagrams sent, {} dropped, {} sent twice, {} overtaken",
                grouped(it.datagrams),
                grouped(it.dropped),
                grouped(it.duplicated),
                grouped(it.reordered),
            ));
        }
        if let Some(GapServer { counters: it, .. }) = &self.gaps {
            say(&format!(
                "requests: {}, answered with {} messages, {} refused",
                grouped(it.requests),
                grouped(it.messages),
                grouped(it.refused),
            ));
        }
        if let Some(SoupServer { counters: it, .. }) = &self.soup {
            say(&format!(
                "SoupBinTCP: {} logins, {} rejected, {} messages sent, {} connections broken",
                grouped(it.logins),
                grouped(it.rejected),
                grouped(it.messages),
                grouped(it.broken),
            ));
        }
    }
}

fn nap(ns: i64) {
    thread::sleep(Duration::from_nanos(ns.unsigned_abs()));
}
