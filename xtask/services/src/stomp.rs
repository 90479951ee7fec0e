//! The readiness of servers that speak STOMP 1.2 over TCP.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::probe;

/// A login with the user of test servers. Servers without users ignore it.
const CONNECT: &[u8] = b"CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0";
/// The start of the answer to it.
const CONNECTED: &str = "CONNECTED\n";

/// The topic that shows whether a message gets from one broker to the other.
const SUBSCRIBE: &[u8] =
    b"SUBSCRIBE\nid:0\ndestination:/topic/highwater.ready\nreceipt:subscribed\n\n\0";
const RECEIPT: &str = "RECEIPT\n";
const SEND: &[u8] = b"SEND\ndestination:/topic/highwater.ready\n\nready\0";
const MESSAGE: &str = "MESSAGE\n";

/// The timeout of the connection, and of an answer to a login or a subscription.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// The time after which a message is sent again. The other broker may not have known of the
/// subscription when it got the one before.
const RESEND_INTERVAL: Duration = Duration::from_millis(100);
/// The longest time for a message to arrive.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Whether the server at this port accepts a login.
pub(crate) fn is_ready(port: u16) -> bool {
    probe::answers_with(port, CONNECT, |answer| {
        answer.starts_with(CONNECTED.as_bytes())
    })
}

/// Whether a message that is sent to the broker at `from` reaches a subscriber of the broker
/// at `to`.
pub(crate) fn passes_messages(from: u16, to: u16) -> bool {
    // A refused or silent connection is a broker that is not ready.
    pass_message(from, to).unwrap_or(false)
}

fn pass_message(from: u16, to: u16) -> io::Result<bool> {
    let mut subscriber = Client::log_in(to)?;
    subscriber.send(SUBSCRIBE)?;
    if !subscriber.receives(RECEIPT, ANSWER_TIMEOUT)? {
        return Ok(false);
    }
    let mut publisher = Client::log_in(from)?;
    let deadline = Instant::now() + DELIVERY_TIMEOUT;
    while Instant::now() < deadline {
        publisher.send(SEND)?;
        if subscriber.receives(MESSAGE, RESEND_INTERVAL)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A connection that has logged in.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    fn log_in(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT)?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut client = Self {
            stream,
            received: Vec::new(),
        };
        client.send(CONNECT)?;
        match client.receives(CONNECTED, ANSWER_TIMEOUT)? {
            true => Ok(client),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.stream.write_all(frame)
    }

    /// Whether `part` has come, or comes within this time.
    fn receives(&mut self, part: &str, within: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + within;
        let mut bytes = [0; 4096];
        while self.received.len() < MAX_ANSWER_BYTES {
            if probe::contains(&self.received, part) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.received.extend_from_slice(&bytes[..read]),
                // Linux reports a timeout as one or the other.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}
