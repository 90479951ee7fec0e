//! Responses of the system over HTTP.

use crate::worker::{
    commands::reply::sse::EventStream,
    devices::upgrade::{ExpectedUpgrade, UpgradeAccepted, UpgradeAnswer, parse_upgrade_response},
    dialect::{Dialect, highwater::Highwater},
    node_name::parse_node_name,
};

/// The key of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Checks that an accepted head lies within the bytes and ends with an empty line, and
/// that no beginning of it is accepted.
pub fn handshake_response(bytes: &[u8]) {
    let expected = ExpectedUpgrade {
        key: KEY,
        node_header: Highwater.node_header(),
        subprotocols: &[],
    };
    let parse = |bytes| parse_upgrade_response(bytes, &expected);
    let head_len = match parse(bytes) {
        Ok(Some(UpgradeAnswer::Accepted(UpgradeAccepted { head_len, node }))) => {
            assert!(node.is_none_or(|node| parse_node_name(node.as_bytes()).is_some()));
            head_len
        }
        Ok(Some(UpgradeAnswer::Rejected(rejected))) => rejected.head_len,
        Ok(None) | Err(_) => return,
    };
    assert!(head_len <= bytes.len());
    assert!(bytes[..head_len].ends_with(b"\n"));
    for shorter in 0..head_len {
        assert!(!matches!(parse(&bytes[..shorter]), Ok(Some(_))));
    }
}

/// Checks that a stream gives the same events however it is cut, and that no event or
/// body makes the decoder panic.
pub fn event_stream(bytes: &[u8]) {
    let whole = EventStream::default().feed(bytes);
    // Single bytes, and steps that cut events at changing places.
    for step in [1, 7] {
        let mut stream = EventStream::default();
        let cut: Vec<_> = bytes
            .chunks(step)
            .flat_map(|part| stream.feed(part))
            .collect();
        assert_eq!(whole, cut, "in steps of {step}");
    }
    for event in &whole {
        let _ = Highwater.decode_event(&event.name, &event.data, "");
    }
    let _ = Highwater.decode_reply(bytes, "");
}
