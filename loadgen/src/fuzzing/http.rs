//! What comes back over HTTP.

use crate::worker::{
    commands::{event_stream::EventStream, reply::ParsedReply},
    devices::connect::{UpgradeAccepted, parse_upgrade_response},
    node_name::parse_node_name,
};

/// The key of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A head that is accepted lies within the bytes and ends with an empty line, and no
/// beginning of it was accepted before.
pub fn handshake_response(bytes: &[u8]) {
    let Ok(Some(UpgradeAccepted {
        head_len: head,
        node,
    })) = parse_upgrade_response(bytes, KEY)
    else {
        return;
    };
    assert!(node.is_none_or(|node| parse_node_name(node.as_bytes()).is_some()));
    assert!(head <= bytes.len());
    assert!(bytes[..head].ends_with(b"\n"));
    for shorter in 0..head {
        assert!(!matches!(
            parse_upgrade_response(&bytes[..shorter], KEY),
            Ok(Some(_))
        ));
    }
}

/// However a stream is cut, it carries the same events; whatever is in them, they are
/// replies or not.
pub fn event_stream(bytes: &[u8]) {
    let whole = EventStream::default().feed(bytes);
    for step in [1, 7] {
        let mut stream = EventStream::default();
        let cut: Vec<_> = bytes
            .chunks(step)
            .flat_map(|part| stream.feed(part))
            .collect();
        assert_eq!(whole, cut, "in steps of {step}");
    }
    for event in &whole {
        if let Some(reply) = ParsedReply::parse(event.data.as_bytes()) {
            let _ = reply.route();
        }
    }
    if let Some(reply) = ParsedReply::parse(bytes) {
        let _ = reply.route();
    }
}
