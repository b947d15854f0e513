//! MoldUDP64 around ITCH 5.0, live.

use std::net::{Ipv4Addr, SocketAddrV4};

use tidewire_feeds::mold::{Arbiter, Delivery, Origin, Waits};
use tidewire_udp::clock::monotonic_ns;
use tidewire_udp::{Datagram, Receiver, SocketOptions};

use super::{addresses, failed, open};
use crate::tables::feeds::LiveItch;
use crate::tables::{OptionError, Options, Read, TableError, TableReader};

/// What the options of a table say of gaps.
#[derive(Debug)]
pub(super) struct MoldOptions {
    servers: Vec<SocketAddrV4>,
    waits: Waits,
    from_start: bool,
}

impl MoldOptions {
    pub(super) fn take(options: &mut Options) -> Result<Self, OptionError> {
        let servers = match options.take("request.address") {
            Some(text) => addresses("request.address", &text)?,
            None => Vec::new(),
        };
        let default = Waits::default();
        let requests =
            options.parse("request.attempts", "a whole number from 1 to 30", |text| {
                text.parse().ok().filter(|attempts| (1..=30).contains(attempts))
            })?;
        let from_start = options.parse("start", "join or session", |text| match text {
            "join" => Some(false),
            "session" => Some(true),
            _ => None,
        })?;
        Ok(Self {
            servers,
            waits: Waits {
                reorder_ns: options.duration("reorder-wait")?.unwrap_or(default.reorder_ns),
                answer_ns: options.duration("request.wait")?.unwrap_or(default.answer_ns),
                requests_max: requests.unwrap_or(default.requests_max),
            },
            from_start: from_start.unwrap_or(false),
        })
    }
}

/// Reads a stream of a session.
pub(super) struct Mold {
    /// The lines, and behind them the socket that asks, where there is a server.
    receiver: Receiver,
    lines: usize,
    servers: Vec<SocketAddrV4>,
    arbiter: Arbiter,
    itch: LiveItch,
    requests_failed: u64,
    /// How many datagrams it takes before it ends, once it has been asked to.
    ending: Option<u64>,
    has_ended: bool,
}

/// A line on which there is always something more ends all the same, after so many datagrams.
const ENDING_DATAGRAMS_MAX: u64 = 1 << 20;

impl Mold {
    pub(super) fn open(
        lines: &[SocketOptions],
        options: MoldOptions,
        itch: LiveItch,
    ) -> Result<Self, TableError> {
        let mut sockets: Vec<_> = lines.iter().map(open).collect::<Result<_, _>>()?;
        let MoldOptions { servers, waits, from_start } = options;
        if !servers.is_empty() {
            let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            sockets.push(open(&SocketOptions::new(any))?);
        }
        Ok(Self {
            receiver: Receiver::new(sockets),
            lines: lines.len(),
            arbiter: Arbiter::new(lines.len(), servers.len(), waits, from_start),
            servers,
            itch,
            requests_failed: 0,
            ending: None,
            has_ended: false,
        })
    }

    /// Ends where it is: what waits for something that is missing is given, and what is missing is given up.
    fn close(&mut self) {
        let Self { arbiter, itch, has_ended, .. } = self;
        arbiter.close(&mut |delivery| deliver(delivery, itch, has_ended));
        *has_ended = true;
    }

    /// Takes a datagram in, and lets time pass. `false`: nothing has come of it.
    fn take(&mut self) -> Result<bool, TableError> {
        let Self { receiver, lines, servers, arbiter, itch, requests_failed, has_ended, .. } = self;
        let datagram = receiver.next().map_err(failed)?;
        let has_come = datagram.is_some();
        let now = monotonic_ns();
        let mut damaged = None;
        let mut deliver = |delivery: Delivery<'_>| deliver(delivery, itch, has_ended);
        if let Some(Datagram { line, received, bytes, .. }) = datagram {
            let origin = if line < *lines { Origin::Line(line) } else { Origin::Server };
            damaged = arbiter.receive(origin, bytes, received, now, &mut deliver).err();
        }
        let is_due = arbiter.due().is_some_and(|due| due <= now);
        if is_due {
            let ask = |server: usize, request: tidewire_feeds::mold::Request| {
                let to = servers.get(server).copied();
                let sent = to.map(|to| receiver.send(*lines, &request.to_bytes(), to));
                *requests_failed += u64::from(!matches!(sent, Some(Ok(()))));
            };
            arbiter.tick(now, ask, &mut deliver);
        }
        if let Some(error) = damaged {
            itch.damaged(error);
        }
        Ok(has_come || is_due)
    }
}

fn deliver(delivery: Delivery<'_>, itch: &mut LiveItch, has_ended: &mut bool) {
    match delivery {
        Delivery::Message { sequence, received, bytes } => itch.message(sequence, received, bytes),
        Delivery::Event(event) => itch.event(event),
        Delivery::EndOfSession => *has_ended = true,
    }
}

impl TableReader for Mold {
    fn read(&mut self, row: &mut [u8]) -> Result<Read, TableError> {
        loop {
            if let Some(read) = self.itch.write_next(row)? {
                return Ok(read);
            }
            if self.has_ended {
                return Ok(Read::End);
            }
            let has_come = self.take()?;
            match &mut self.ending {
                None if !has_come => return Ok(Read::Nothing),
                None => {}
                Some(left) if has_come && *left > 0 => *left -= 1,
                Some(_) => self.close(),
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn end(&mut self) -> bool {
        self.ending.get_or_insert(ENDING_DATAGRAMS_MAX);
        true
    }

    fn position(&mut self) -> Result<Option<String>, TableError> {
        Ok(Some(format!("message {}", self.arbiter.counters().messages)))
    }

    fn resume(&mut self, _: &str) -> Result<bool, TableError> {
        let place = self.receiver.addresses().next().map_or_else(String::new, |it| it.to_string());
        let problem =
            "what was received once can not be received again: start the job without --restore";
        Err(TableError::Input { place, problem: problem.to_owned() })
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let mut skipped = self.itch.skipped();
        let counters = self.arbiter.counters();
        let counts = [
            ("packets of a session that another one has followed", counters.stale),
            ("messages that came after their gap was given up", counters.late),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        skipped.extend(counts.map(|(why, count)| (why.to_owned(), count)));
        skipped
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let mut counts = Vec::new();
        let kernel = self.receiver.counters();
        let lines = self.receiver.addresses().zip(self.arbiter.lines()).zip(kernel);
        for (number, ((address, line), kernel)) in (1..).zip(lines) {
            let of_line = [
                ("packets", line.packets),
                ("messages first", line.first),
                ("messages again", line.duplicates),
                ("messages lost", line.lost),
                ("datagrams dropped by the kernel", kernel.dropped),
            ];
            counts.extend(
                of_line.map(|(what, count)| (format!("line {number} ({address}): {what}"), count)),
            );
        }
        let all = self.arbiter.counters();
        let of_all = [
            ("messages", all.messages),
            ("heartbeats", all.heartbeats),
            ("damaged packets", all.damaged),
            ("gaps", all.gaps),
            ("messages missing in them", all.missing),
            ("requests of io_uring made again", self.receiver.rearmed()),
            ("requests", all.requests),
            ("requests that could not be sent", self.requests_failed),
            ("messages filled by a line", all.filled_by_lines),
            ("messages filled by a server", all.filled_by_servers),
            ("messages given up", all.given_up),
            ("restarts", all.restarts),
        ];
        counts.extend(of_all.map(|(what, count)| (what.to_owned(), count)));
        counts
    }

    fn notes(&self) -> Vec<String> {
        self.receiver.notes().map(str::to_owned).collect()
    }
}
