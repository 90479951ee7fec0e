//! The PROXY protocol, versions 1 and 2 (HAProxy, `proxy-protocol.txt`): a proxy names the
//! client at the beginning of a connection.
//!
//! No byte behind the header is read, because TLS and tunnels read from the socket itself.

use std::{io, net::SocketAddr};

use proxy_protocol_rs::{InvalidReason, ParseError, V2_SIGNATURE, parse};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// The bytes of the shortest header, `PROXY UNKNOWN` and the end of the line.
const SHORTEST_HEADER_BYTES: usize = 15;
/// The beginning of a header of version 1.
const V1_SIGNATURE: &[u8] = b"PROXY ";
/// The most bytes of a header of version 1 (section 2.1).
const MAX_V1_BYTES: usize = 107;
/// The bytes of version 2 up to the length of the rest (section 2.2).
const V2_FIXED_BYTES: usize = 16;
/// The most bytes of a header of version 2. The addresses take up to 216, and their extensions
/// seldom more than 500.
const MAX_V2_BYTES: usize = 4096;

/// The reason why a connection does not begin with a header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyHeaderError {
    #[error("cannot read the PROXY header")]
    Io(#[from] io::Error),
    #[error("the connection of a trusted proxy does not begin with a PROXY header")]
    NoHeader,
    #[error("the PROXY header is longer than {MAX_V1_BYTES} bytes (version 1) or {MAX_V2_BYTES}")]
    TooLong,
    #[error("invalid PROXY header: {0}")]
    Invalid(ParseError),
}

/// The part of a header that is certain to follow the bytes before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// A number of bytes; 0 at the end of the header.
    Bytes(usize),
    /// The rest of a line, and the most bytes that it may have.
    Line(usize),
}

/// Reads the header at the beginning of a connection, and returns the client that it names.
/// Returns `None` if the proxy speaks for itself (LOCAL), or does not know its client (UNKNOWN).
///
/// The caller limits the time.
pub(super) async fn read_header(
    stream: &mut TcpStream,
) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let mut header = Vec::new();
    loop {
        let read = header.len();
        match rest(&header)? {
            Rest::Bytes(0) => return client_of(&header),
            Rest::Bytes(count) => {
                header.resize(read + count, 0);
                stream.read_exact(&mut header[read..]).await?;
            }
            Rest::Line(at_most) => {
                let mut seen = [0; MAX_V1_BYTES];
                let seen = &mut seen[..at_most.min(MAX_V1_BYTES)];
                // Looked at first: the bytes behind the line belong to the client.
                let available = match stream.peek(seen).await? {
                    0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    available => &seen[..available],
                };
                let end = available.iter().position(|byte| *byte == b'\n');
                let of_header = end.map_or(available.len(), |end| end + 1);
                header.resize(read + of_header, 0);
                stream.read_exact(&mut header[read..]).await?;
            }
        }
    }
}

/// Returns the part of the header that follows its beginning.
pub(crate) fn rest(header: &[u8]) -> Result<Rest, ProxyHeaderError> {
    let read = header.len();
    if read < SHORTEST_HEADER_BYTES {
        return Ok(Rest::Bytes(SHORTEST_HEADER_BYTES - read));
    }
    if header.starts_with(V1_SIGNATURE) {
        return match header.last() {
            Some(b'\n') => Ok(Rest::Bytes(0)),
            _ if read >= MAX_V1_BYTES => Err(ProxyHeaderError::TooLong),
            _ => Ok(Rest::Line(MAX_V1_BYTES - read)),
        };
    }
    if !header.starts_with(V2_SIGNATURE) {
        return Err(ProxyHeaderError::NoHeader);
    }
    let Some([high, low]) = header.get(V2_FIXED_BYTES - 2..V2_FIXED_BYTES) else {
        return Ok(Rest::Bytes(V2_FIXED_BYTES - read));
    };
    let all = V2_FIXED_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
    match all <= MAX_V2_BYTES {
        true => Ok(Rest::Bytes(all.saturating_sub(read))),
        false => Err(ProxyHeaderError::TooLong),
    }
}

/// Returns the client that a complete header names, if it names one.
pub(crate) fn client_of(header: &[u8]) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    match parse(header) {
        Ok((info, _)) => Ok(info.source_inet()),
        // The proxy does not know its client's protocol. A receiver may serve it all the same.
        Err(ParseError::Invalid(InvalidReason::UnspecWithProxy)) => Ok(None),
        Err(error) => Err(ProxyHeaderError::Invalid(error)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    /// Returns a header of version 2 with this command, family and content.
    fn v2(command: u8, family: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16).to_be_bytes();
        [
            &V2_SIGNATURE[..],
            &[0x20 | command, family],
            &length,
            content,
        ]
        .concat()
    }

    const CLIENT_V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0xc8, 0x38, 0x01, 0xbb];

    fn client_v6() -> Vec<u8> {
        let address = |last| {
            [
                0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last,
            ]
        };
        [&address(7)[..], &address(1), &[0xc8, 0x38, 0x01, 0xbb]].concat()
    }

    /// Sends the bytes in parts of `step` bytes. Returns the client, and the bytes that are left
    /// for the connection.
    async fn read(
        bytes: &[u8],
        step: usize,
    ) -> Result<(Option<SocketAddr>, Vec<u8>), ProxyHeaderError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = bytes.to_vec();
        let sending = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            for part in bytes.chunks(step) {
                // The reader may have refused the header already.
                let _ = stream.write_all(part).await;
                tokio::task::yield_now().await;
            }
            let _ = stream.shutdown().await;
            stream
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        let client = read_header(&mut stream).await?;
        drop(sending.await.unwrap());
        let mut left = Vec::new();
        stream.read_to_end(&mut left).await.unwrap();
        Ok((client, left))
    }

    #[tokio::test]
    async fn header_names_the_client_and_leaves_the_rest() {
        let with_extension = [&CLIENT_V4[..], &[0x04, 0, 2, 0, 0]].concat();
        for (header, expected) in [
            (
                b"PROXY TCP4 192.0.2.7 198.51.100.1 51256 443\r\n".to_vec(),
                Some("192.0.2.7:51256"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 2001:db8::1 51256 443\r\n".to_vec(),
                Some("[2001:db8::7]:51256"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ::1 ::1 1 2\r\n".to_vec(), None),
            (v2(1, 0x11, &CLIENT_V4), Some("192.0.2.7:51256")),
            (v2(1, 0x11, &with_extension), Some("192.0.2.7:51256")),
            (v2(1, 0x21, &client_v6()), Some("[2001:db8::7]:51256")),
            (v2(1, 0x31, &[0; 216]), None),
            (v2(1, 0x00, &[]), None),
            (v2(0, 0x00, &[]), None),
            // The addresses of the proxy itself do not count.
            (v2(0, 0x11, &CLIENT_V4), None),
        ] {
            let expected = expected.map(|address| address.parse().unwrap());
            let request = b"GET / HTTP/1.1\r\n";
            let sent = [&header[..], request].concat();
            for step in [1, 7, sent.len()] {
                let (client, left) = read(&sent, step).await.unwrap();
                assert_eq!((client, &left[..]), (expected, &request[..]), "{header:?}");
            }
        }
    }

    #[tokio::test]
    async fn other_bytes_are_no_header() {
        let long_line = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat();
        for (bytes, reason) in [
            (
                b"GET / HTTP/1.1\r\nHost: t\r\n\r\n".to_vec(),
                "does not begin",
            ),
            (long_line, "longer"),
            (
                b"PROXY TCP4 192.0.2.7 1.1.1.1 1 99999\r\n".to_vec(),
                "invalid",
            ),
            (b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n".to_vec(), "invalid"),
            (b"PROXY UDP4 1.1.1.1 1.1.1.1 1 2\r\n".to_vec(), "invalid"),
            (b"PROXY UNKNOWN x\n".to_vec(), "invalid"),
            (b"PROXY TCP4 1.1.1.1".to_vec(), "cannot read"),
            (b"PROXY".to_vec(), "cannot read"),
            (v2(1, 0x11, &CLIENT_V4[..8]), "invalid"),
            (v2(2, 0x11, &CLIENT_V4), "invalid"),
            (v2(1, 0x11, &[&CLIENT_V4[..], &[1, 0]].concat()), "invalid"),
            (v2(1, 0x11, &[0; 5000]), "longer"),
        ] {
            let error = read(&bytes, bytes.len()).await.unwrap_err().to_string();
            assert!(error.contains(reason), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn checksum_is_verified_where_there_is_one() {
        let with_checksum = |checksum: u32| {
            let extension = [&[0x03, 0, 4][..], &checksum.to_be_bytes()].concat();
            v2(1, 0x11, &[&CLIENT_V4[..], &extension].concat())
        };
        let right = crc32c(&with_checksum(0));
        assert!(client_of(&with_checksum(right)).unwrap().is_some());
        let error = client_of(&with_checksum(right ^ 1)).unwrap_err();
        assert!(error.to_string().contains("mismatch"), "{error}");
    }

    /// Computes CRC-32C bit by bit (RFC 3720, appendix B.4).
    fn crc32c(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                let is_odd = crc & 1 == 1;
                crc = (crc >> 1) ^ if is_odd { 0x82f6_3b78 } else { 0 };
            }
        }
        !crc
    }
}
