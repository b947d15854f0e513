//! One connection to a broker: packets over a socket. Nothing waits but [`Link::open`] and [`Link::wait`].

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::Error as CodecError;
use rumqttc::{Connect, ConnectReturnCode, Login, Packet};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tidewire_udp::clock::monotonic_ns;

use crate::limits::{ANSWER_NS, CONNECT, PACKET_BYTES_MAX, READ_BYTES};
use crate::options::Broker;

/// Why a connection is at its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The broker, or what stands between, has ended it.
    #[error("the connection was closed")]
    Closed,
    /// The system says so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What came is no packet.
    #[error("what came is no packet of MQTT 3.1.1: {0}")]
    Packet(CodecError),
    /// A packet that nobody has asked for.
    #[error("a packet that has no place here: {0}")]
    Unasked(String),
    /// Nothing came for too long.
    #[error("the broker does not answer")]
    Silent,
    /// The broker can not serve now.
    #[error("the broker is not available")]
    Unavailable,
    /// It will be no better at another try.
    #[error("{0}")]
    Refused(String),
}

impl Broken {
    /// Whether another try is of no use.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// In the few words under which it is counted.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Io(error) => error.kind().to_string(),
            Self::Packet(_) => "what came is no packet of MQTT 3.1.1".to_owned(),
            Self::Unasked(_) => "a packet that has no place there".to_owned(),
            other => other.to_string(),
        }
    }
}

/// A connection.
pub(crate) struct Link {
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
    piece: Vec<u8>,
    /// How long nothing may be said, ns; 0: for ever.
    keep_alive: i64,
    opened: i64,
    /// Whether the broker has taken it.
    is_taken: bool,
    /// When something was last sent, and when something last came.
    sent: i64,
    heard: i64,
    /// Since when a ping is not answered.
    pinged: Option<i64>,
}

impl Link {
    /// Connects, and asks the broker to take the connection. A session that is not `is_clean` is the one of before.
    pub(crate) fn open(
        broker: &Broker,
        client: &str,
        is_clean: bool,
        keep_alive: u16,
    ) -> Result<Self, Broken> {
        let mut failed = io::Error::from(ErrorKind::AddrNotAvailable);
        let mut stream = None;
        for address in (broker.host.as_str(), broker.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT) {
                Ok(connected) => {
                    stream = Some(connected);
                    break;
                }
                Err(error) => failed = error,
            }
        }
        let stream = stream.ok_or(failed)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let now = monotonic_ns();
        let mut link = Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            piece: vec![0; READ_BYTES],
            keep_alive: i64::from(keep_alive) * 1_000_000_000,
            opened: now,
            is_taken: false,
            sent: now,
            heard: now,
            pinged: None,
        };
        let mut connect = Connect::new(client);
        connect.keep_alive = keep_alive;
        connect.clean_session = is_clean;
        connect.login = broker.login.as_ref().map(|(user, password)| Login::new(user, password));
        link.put(&Packet::Connect(connect))?;
        link.flush()?;
        Ok(link)
    }

    /// Adds a packet to what is to be sent.
    pub(crate) fn put(&mut self, packet: &Packet) -> Result<(), Broken> {
        let written = packet.write(&mut self.output, PACKET_BYTES_MAX);
        written.map(drop).map_err(Broken::Packet)
    }

    /// Sends what the system takes now; the rest at the next call.
    pub(crate) fn flush(&mut self) -> Result<(), Broken> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(0) => return Err(Broken::Closed),
                Ok(written) => {
                    drop(self.output.split_to(written));
                    self.sent = monotonic_ns();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether all that was put in is with the system.
    pub(crate) fn is_flushed(&self) -> bool {
        self.output.is_empty()
    }

    /// Reads what has come. `false`: nothing; then a ping may be due, or its answer.
    pub(crate) fn read(&mut self) -> Result<bool, Broken> {
        self.flush()?;
        match self.stream.read(&mut self.piece) {
            Ok(0) => return Err(Broken::Closed),
            Ok(read) => {
                self.input.extend_from_slice(self.piece.get(..read).unwrap_or_default());
                (self.heard, self.pinged) = (monotonic_ns(), None);
                return Ok(true);
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error.into()),
        }
        let now = monotonic_ns();
        if !self.is_taken {
            return if now - self.opened < ANSWER_NS { Ok(false) } else { Err(Broken::Silent) };
        }
        match self.pinged {
            _ if self.keep_alive == 0 => {}
            Some(since) if now - since > self.keep_alive => return Err(Broken::Silent),
            None if now - self.sent.min(self.heard) > self.keep_alive / 2 => {
                self.put(&Packet::PingReq)?;
                self.flush()?;
                self.pinged = Some(now);
            }
            _ => {}
        }
        Ok(false)
    }

    /// The next packet that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Packet>, Broken> {
        match Packet::read(&mut self.input, PACKET_BYTES_MAX) {
            Ok(Packet::PingResp) => self.next(),
            Ok(packet) => Ok(Some(packet)),
            Err(CodecError::InsufficientBytes(_)) => Ok(None),
            Err(CodecError::PayloadSizeLimitExceeded(bytes)) => Err(Broken::Refused(format!(
                "a message of {bytes} bytes: at most {PACKET_BYTES_MAX} are read; the broker can refuse longer ones \
                 (Mosquitto: message_size_limit)"
            ))),
            Err(error) => Err(Broken::Packet(error)),
        }
    }

    /// Looks for the broker's answer to the begin of the connection: whether it has the session.
    pub(crate) fn taken(&mut self) -> Result<Option<bool>, Broken> {
        self.read()?;
        let refused = |why: &str| Err(Broken::Refused(why.to_owned()));
        let connack = match self.next()? {
            None => return Ok(None),
            Some(Packet::ConnAck(connack)) => connack,
            Some(other) => return Err(Broken::Unasked(format!("{other:?}"))),
        };
        match connack.code {
            ConnectReturnCode::Success => {
                self.is_taken = true;
                Ok(Some(connack.session_present))
            }
            ConnectReturnCode::ServiceUnavailable => Err(Broken::Unavailable),
            ConnectReturnCode::BadUserNamePassword => {
                refused("the broker refuses 'username' and 'password'")
            }
            ConnectReturnCode::NotAuthorized => refused(
                "the broker refuses the connection: 'username' and 'password' are wrong or missing, or may not connect",
            ),
            ConnectReturnCode::BadClientId => refused("the broker refuses 'client.id'"),
            ConnectReturnCode::RefusedProtocolVersion => {
                refused("the broker does not speak MQTT 3.1.1")
            }
        }
    }

    /// Waits until something can be read, or, where something is to be sent, written; `most` at most.
    pub(crate) fn wait(&self, most: Duration) -> Result<(), Broken> {
        let mut for_what = PollFlags::IN;
        if !self.is_flushed() {
            for_what |= PollFlags::OUT;
        }
        let time = Timespec {
            tv_sec: i64::try_from(most.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: most.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&self.stream, for_what)], Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

impl Drop for Link {
    /// Says farewell, where the system takes it: a broker that hears nothing finds out by itself.
    fn drop(&mut self) {
        if self.is_taken && self.put(&Packet::Disconnect).is_ok() {
            let _ = self.flush();
        }
    }
}
