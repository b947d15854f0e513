//! Datagrams of which each is a row.

use std::time::Duration;

use tidewire_udp::{Datagram, LineCounters, Receiver, SocketOptions};

use super::{failed, open};
use crate::tables::TableError;
use crate::tables::live::{Came, Inbox, Transport};

/// Receives them, from all addresses alike.
pub(super) struct Datagrams {
    receiver: Receiver,
}

impl Datagrams {
    pub(super) fn open(sockets: &[SocketOptions]) -> Result<Self, TableError> {
        let sockets = sockets.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { receiver: Receiver::new(sockets) })
    }
}

impl Transport for Datagrams {
    fn receive(&mut self, inbox: &mut Inbox) -> Result<Came, TableError> {
        match self.receiver.next().map_err(failed)? {
            None => Ok(Came::Nothing),
            Some(Datagram { line, received, bytes, .. }) => {
                inbox.push(received, line as u32, bytes);
                Ok(Came::Something)
            }
        }
    }

    fn wait(&mut self, at_most: Duration) -> bool {
        self.receiver.wait(at_most)
    }

    fn place(&self) -> String {
        self.receiver.addresses().next().map_or_else(String::new, |it| it.to_string())
    }

    fn notes(&self) -> Vec<String> {
        self.receiver.notes().map(str::to_owned).collect()
    }

    fn watched(&self) -> Vec<(&'static str, u64)> {
        vec![super::dropped(&self.receiver)]
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let mut counts = Vec::new();
        for (address, of) in self.receiver.addresses().zip(self.receiver.counters()) {
            let LineCounters { datagrams, dropped, cut } = of;
            let of = [
                ("datagrams", datagrams),
                ("datagrams dropped by the kernel", dropped),
                ("datagrams that were cut", cut),
            ];
            counts.extend(of.map(|(what, count)| (format!("{address}: {what}"), count)));
        }
        counts
    }
}
