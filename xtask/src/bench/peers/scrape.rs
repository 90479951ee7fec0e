//! A server's own counts, read from its `/metrics`.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// The longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer that are read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Returns the text of `/metrics` at this port of loopback.
///
/// # Errors
/// The system's error.
pub(super) fn metrics(port: u16) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}

/// Returns the value of a metric without labels.
pub(super) fn value(metrics: &str, name: &str) -> Option<u64> {
    let mut values = metrics.lines().filter_map(|line| line.strip_prefix(name));
    let value = values.find_map(|rest| rest.strip_prefix(' '))?;
    let value: f64 = value.trim().parse().ok()?;
    (value >= 0.0).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_is_found_by_its_whole_name() {
        let text = "HTTP/1.1 200 OK\r\n\r\n# TYPE sockets gauge\nsockets_total 9\nsockets 7\n";
        assert_eq!(value(text, "sockets"), Some(7));
        assert_eq!(value(text, "socket"), None);
        assert_eq!(value("sockets -1\n", "sockets"), None);
    }
}
