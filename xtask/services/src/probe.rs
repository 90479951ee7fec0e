//! Readiness probes. An open port alone does not show that a server answers.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// The timeout of the connection, and of each read.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Sends `request` to the port on loopback, and returns whether the answer is `enough`
/// before the server closes the connection or is silent.
pub(crate) fn answers_with(port: u16, request: &[u8], enough: impl Fn(&[u8]) -> bool) -> bool {
    // A refused or silent connection is a server that is not ready.
    exchange(port, request, enough).unwrap_or(false)
}

/// Whether an HTTP GET gets a 200.
pub(crate) fn http_get_succeeds(port: u16, path: &str) -> bool {
    // HTTP/1.0, so that the server closes the connection after its answer.
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    answers_with(port, request.as_bytes(), |answer| {
        answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.0 200")
    })
}

/// Whether `answer` contains `part`.
pub(crate) fn contains(answer: &[u8], part: &str) -> bool {
    answer
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

fn exchange(port: u16, request: &[u8], enough: impl Fn(&[u8]) -> bool) -> std::io::Result<bool> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PROBE_TIMEOUT)?;
    stream.set_read_timeout(Some(PROBE_TIMEOUT))?;
    stream.set_write_timeout(Some(PROBE_TIMEOUT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while answer.len() < MAX_ANSWER_BYTES {
        let read = stream.read(&mut part)?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&part[..read]);
        // After each part: the server keeps the connection open, so a read to the end hangs.
        if enough(&answer) {
            return Ok(true);
        }
    }
    Ok(false)
}
