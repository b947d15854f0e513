//! MQTT for tests: a broker, which is Mosquitto, and clients that write to it and look at it.
//!
//! The program is what `TIDEWIRE_MOSQUITTO` names; `scripts/mqtt.sh` finds or fetches it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that has no broker has failed")]

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use rumqttc::{Client, Connection, Event, MqttOptions, Packet, Publish, QoS};
use tempfile::TempDir;

/// How often, with 50 ms between, a broker is waited for.
const TRIES: u32 = 600;

/// How long a client waits for the next thing that happens.
const WAIT: Duration = Duration::from_secs(30);

/// `ann` with the password `secret`, as `mosquitto_passwd` writes her.
const LOGIN: &str = "ann:$7$101$uQK/WNPqs9BXF5+l$uijrz0Lo0MhepsHqIjNTiKacsFQOGTdGBkpHL9Tq42GUiL+v8TZN+mCF1IKvawKCW0zNeoEdGe3MiakNkBhxdA==\n";

/// A broker, which ends with this value.
#[derive(Debug)]
pub struct Broker {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    login_port: u16,
    process: Option<Child>,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Broker {
    /// Starts one, with nothing in it; `None`, said on standard error, where there is no Mosquitto. It keeps all that clients
    /// that are away have not had, and its sessions when it ends.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    #[allow(clippy::print_stderr)]
    pub fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("TIDEWIRE_MOSQUITTO") else {
            eprintln!("skipped: TIDEWIRE_MOSQUITTO is not set; scripts/mqtt.sh sets it");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (port, login_port) = (free_port(), free_port());
        let place = folder.path().display();
        let text = format!(
            "per_listener_settings true\npersistence true\npersistence_location {place}/\nmax_queued_messages 0\n\
             user root\nlog_dest stderr\n\
             listener {port} 127.0.0.1\nallow_anonymous true\n\
             listener {login_port} 127.0.0.1\nallow_anonymous false\npassword_file {place}/logins\n"
        );
        fs::write(folder.path().join("broker.conf"), text).expect("its options");
        fs::write(folder.path().join("logins"), LOGIN).expect("its logins");
        let mut broker = Self { program: program.into(), folder, port, login_port, process: None };
        broker.start_again();
        Some(broker)
    }

    /// Starts it again, with what it had.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        let log = File::create(self.folder.path().join("log")).expect("its log");
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.folder.path().join("broker.conf")).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("its log")).stderr(log);
        self.process = Some(command.spawn().expect("Mosquitto runs"));
        for _ in 0..TRIES {
            if TcpStream::connect(("127.0.0.1", self.login_port)).is_ok() {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("the broker does not start: {log}");
    }

    /// Lets it end: it keeps its sessions.
    ///
    /// # Panics
    /// It can not be told to.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let told = Command::new("kill").arg(process.id().to_string()).status();
            assert!(told.expect("kill runs").success());
            process.wait().expect("it ends");
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Its address for those who log in, as `ann` with the password `secret`.
    #[must_use]
    pub fn login_url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.login_port)
    }

    fn client(&self, id: &str) -> (Client, Connection) {
        let mut options = MqttOptions::new(id, "127.0.0.1", self.port);
        // Mosquitto closes the connection of one that has more than 20 messages of QoS 2 on their way.
        options.set_inflight(10);
        Client::new(options, 64)
    }

    /// Publishes messages, each with its topic, and waits until the broker has them.
    ///
    /// # Panics
    /// It does not take them.
    pub fn publish(&self, messages: &[(&str, &str)], qos: QoS, is_retained: bool) {
        let (client, mut connection) = self.client("publisher");
        thread::scope(|scope| {
            let sender = &client;
            scope.spawn(move || {
                for (topic, payload) in messages {
                    sender.publish(*topic, qos, is_retained, *payload).expect("it is sent");
                }
            });
            let mut open = messages.len();
            while open > 0 {
                let event = connection.recv_timeout(WAIT).expect("the broker answers");
                let is_done = match event.expect("the connection holds") {
                    Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_)) => true,
                    Event::Outgoing(rumqttc::Outgoing::Publish(_)) => qos == QoS::AtMostOnce,
                    _ => false,
                };
                open -= usize::from(is_done);
            }
        });
    }

    /// A client that sees what is published to topics of a filter from now on.
    ///
    /// # Panics
    /// It can not subscribe.
    #[must_use]
    pub fn watch(&self, filter: &str) -> Watch {
        let (client, mut connection) = self.client("watch");
        client.subscribe(filter, QoS::AtLeastOnce).expect("it is sent");
        loop {
            let event = connection.recv_timeout(WAIT).expect("the broker answers");
            if let Event::Incoming(Packet::SubAck(_)) = event.expect("the connection holds") {
                return Watch { connection, _client: client };
            }
        }
    }
}

/// Sees messages.
pub struct Watch {
    connection: Connection,
    _client: Client,
}

impl Watch {
    /// The next messages.
    ///
    /// # Panics
    /// They do not come.
    pub fn next(&mut self, count: usize) -> Vec<Publish> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let event = self.connection.recv_timeout(WAIT).expect("there are more messages");
            if let Event::Incoming(Packet::Publish(message)) = event.expect("the connection holds")
            {
                seen.push(message);
            }
        }
        seen
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
