//! The headers and the header fields by which proxies name their clients.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::net::{
    listener::{
        TrustedPeers, X_FORWARDED_FOR, X_FORWARDED_PROTO,
        proxy_protocol::{Rest, client_of, rest},
    },
    networks::Networks,
};

/// The most bytes of a header.
const MAX_HEADER_BYTES: usize = 4096;

/// Reads a header of the PROXY protocol, and checks that it is bounded and that its length does
/// not depend on the bytes behind it.
pub fn proxy_headers(bytes: &[u8]) {
    let Some(header) = read_header(bytes) else {
        return;
    };
    assert!(header.len() <= MAX_HEADER_BYTES);
    let client = client_of(header);
    // The bytes of the connection behind the header change nothing.
    let followed = [header, b"GET / HTTP/1.1\r\n"].concat();
    assert_eq!(read_header(&followed), Some(header));
    if let Ok(named) = client {
        assert_eq!(client_of(&followed).ok(), Some(named));
    }
}

/// Returns the header at the beginning of the bytes, as a connection reads it.
fn read_header(bytes: &[u8]) -> Option<&[u8]> {
    let mut read = 0;
    loop {
        read += match rest(&bytes[..read]).ok()? {
            Rest::Bytes(0) => return Some(&bytes[..read]),
            Rest::Bytes(count) => count,
            Rest::Line(at_most) => {
                let line = bytes.get(read..)?;
                let line = &line[..at_most.min(line.len())];
                let end = line.iter().position(|byte| *byte == b'\n');
                match end.map_or(line.len(), |end| end + 1) {
                    0 => return None,
                    count => count,
                }
            }
        };
        bytes.get(..read)?;
    }
}

/// Reads header fields of a proxy, one a line: `X-Forwarded-For`, `X-Forwarded-Proto` and
/// `Forwarded`. Checks that only a trusted peer names another client.
pub fn forwarded_fields(bytes: &[u8]) {
    let names = [X_FORWARDED_FOR, X_FORWARDED_PROTO, header::FORWARDED];
    let mut headers = HeaderMap::new();
    for (line, name) in bytes.split(|byte| *byte == b'\n').zip(names.iter().cycle()) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            // A map has a bound of its own, which a listener's heads never reach.
            let _ = headers.try_append(name, value);
        }
    }
    let peer = IpAddr::from([10, 0, 0, 1]);
    let networks: Networks = "10.0.0.0/8".parse().expect("a valid network");
    let _ = TrustedPeers::new(networks).client_of(peer, false, &headers);
    let untrusted = TrustedPeers::default().client_of(peer, false, &headers);
    assert_eq!((untrusted.address, untrusted.is_tls), (peer, false));
}
