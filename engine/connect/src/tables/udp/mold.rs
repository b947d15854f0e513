//! MoldUDP64 around ITCH 5.0, live.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tidewire_feeds::mold::{Arbiter, Delivery, Origin, Waits};
use tidewire_feeds::sequence::Event;
use tidewire_udp::clock::monotonic_ns;
use tidewire_udp::{Datagram, Receiver, SocketOptions};

use super::{addresses, failed, open};
use crate::tables::live::{Came, Inbox, Message, MoldSender, Transport};
use crate::tables::{OptionError, Options, TableError};

/// What the options of a table say of gaps.
#[derive(Debug)]
pub(super) struct MoldOptions {
    servers: Vec<SocketAddrV4>,
    waits: Waits,
    from_start: bool,
    strict: bool,
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
            // Rows ask for it too.
            strict: options.clone().flag("strict")?.unwrap_or(false),
        })
    }
}

/// Receives a stream of a session.
pub(super) struct Mold {
    /// The lines, and behind them the socket that asks, where there is a server.
    receiver: Receiver,
    lines: usize,
    servers: Vec<SocketAddrV4>,
    arbiter: Arbiter,
    sender: MoldSender,
    /// When the last datagram was received.
    received: i64,
    /// Whether a damaged packet is an error.
    strict: bool,
    requests_failed: u64,
}

impl Mold {
    pub(super) fn open(lines: &[SocketOptions], options: MoldOptions) -> Result<Self, TableError> {
        let mut sockets: Vec<_> = lines.iter().map(open).collect::<Result<_, _>>()?;
        let MoldOptions { servers, waits, from_start, strict } = options;
        if !servers.is_empty() {
            let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            sockets.push(open(&SocketOptions::new(any))?);
        }
        Ok(Self {
            receiver: Receiver::new(sockets),
            lines: lines.len(),
            arbiter: Arbiter::new(lines.len(), servers.len(), waits, from_start),
            servers,
            sender: MoldSender::default(),
            received: 0,
            strict,
            requests_failed: 0,
        })
    }
}

/// Puts what the lines hand out into the inbox; `heard` is when the newest datagram came, and from which line.
fn deliver(
    delivery: Delivery<'_>,
    sender: &mut MoldSender,
    (heard, line): (i64, u32),
    inbox: &mut Inbox,
) {
    match delivery {
        Delivery::Message { session, sequence, received, bytes } => {
            sender.message((session, sequence), (received, line), bytes, inbox);
        }
        Delivery::Event { session, event: Event::Gap { expected, found } } => {
            // Where this is the first that is told of a session, it says where that begins.
            if sender.reached() != Some((session, expected)) {
                sender.reach(session, expected, heard, inbox);
            }
            sender.reach(session, found, heard, inbox);
        }
        Delivery::Event { session, .. } => sender.reach(session, 1, heard, inbox),
        Delivery::EndOfSession { session, next } => sender.end(session, next, heard, inbox),
    }
}

impl Transport for Mold {
    fn replayed(&mut self, message: &Message<'_>) {
        self.sender.replayed(message);
        self.received = message.received;
    }

    /// What was missed since the last message of the journal is a gap, which a server may fill.
    fn start(&mut self) -> Result<(), TableError> {
        if let Some((session, next)) = self.sender.reached() {
            self.arbiter.go_on(session, next);
        }
        Ok(())
    }

    /// Takes a datagram in, and lets time pass.
    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        let Self { receiver, lines, servers, arbiter, sender, received: last, .. } = self;
        let (strict, requests_failed) = (self.strict, &mut self.requests_failed);
        let datagram = receiver.next().map_err(failed)?;
        let has_come = datagram.is_some();
        let now = monotonic_ns();
        if let Some(Datagram { received, .. }) = &datagram {
            *last = *received;
        }
        let (heard, origin_line) = (*last, datagram.as_ref().map_or(0, |it| it.line as u32));
        let mut deliver = |it: Delivery<'_>| deliver(it, sender, (heard, origin_line), inbox);
        if let Some(Datagram { line, received, bytes, .. }) = datagram {
            let origin = if line < *lines { Origin::Line(line) } else { Origin::Server };
            // A damaged packet is counted, and what is whole of it was handed out.
            let done = arbiter.receive(origin, bytes, received, now, &mut deliver);
            if let Some(error) = done.err().filter(|_| strict) {
                let place =
                    receiver.addresses().nth(line).map_or_else(String::new, |it| it.to_string());
                return Err(TableError::Input { place, problem: error.to_string() });
            }
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
        Ok(if has_come || is_due { Came::Something } else { Came::Nothing })
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        let due = self.arbiter.due().map(|due| due.saturating_sub(monotonic_ns()).max(0));
        let at_most = due.map_or(at_most, |due| at_most.min(Duration::from_nanos(due as u64)));
        self.receiver.wait(at_most)
    }

    /// What waits for something that is missing is handed out, and what is missing is given up.
    fn close(&mut self, inbox: &mut Inbox) {
        let Self { arbiter, sender, received, .. } = self;
        arbiter.close(&mut |it| deliver(it, sender, (*received, 0), inbox));
    }

    fn place(&self) -> String {
        self.receiver.addresses().next().map_or_else(String::new, |it| it.to_string())
    }

    fn skipped(&self) -> Vec<(String, u64)> {
        let counters = self.arbiter.counters();
        let counts = [
            ("packets of a session that another one has followed", counters.stale),
            ("messages that came after their gap was given up", counters.late),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(why, count)| (why.to_owned(), count)).collect()
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

    fn watched(&self) -> Vec<(&'static str, u64)> {
        let all = self.arbiter.counters();
        vec![
            ("gaps", all.gaps),
            ("messages filled", all.filled_by_lines + all.filled_by_servers),
            ("messages given up", all.given_up),
            super::dropped(&self.receiver),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.receiver.notes().map(str::to_owned).collect()
    }
}
