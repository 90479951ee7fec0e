//! Loops of proxies, recognised by the field `Via` (RFC 9110, section 7.6.3).
//!
//! A node that advertises the address of a gateway would otherwise make the gateway forward
//! each request to itself until it has no file left.

use axum::http::{HeaderMap, HeaderValue, Version, header};

use crate::id::NodeId;

/// The most proxies that a request may have passed.
// More than any sensible chain has, and few enough to end a loop of proxies that change names.
const MAX_HOPS: usize = 20;

/// The name of one gateway process in `Via`.
pub(super) struct ViaName(String);

/// A request that must not be forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForwardingLoop {
    /// This gateway has forwarded it before.
    Returned,
    /// The request has passed too many proxies.
    TooManyHops,
}

impl ViaName {
    /// Returns a new name for this gateway.
    pub(super) fn new(id: &NodeId) -> Self {
        // With a random part, because gateways of different clusters may have the same id and
        // stand behind each other. Every character of an id may be part of a token.
        Self(format!("{id}-{:08x}", rand::random::<u32>()))
    }

    /// Returns the reason why a request with these fields must not be forwarded.
    pub(super) fn find_loop(&self, fields: &HeaderMap) -> Option<ForwardingLoop> {
        let values = fields.get_all(header::VIA).iter();
        let entries = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let mut hops = 0;
        for entry in entries {
            // `1.1 NAME`, and optionally a comment.
            if entry.split_ascii_whitespace().nth(1) == Some(&self.0) {
                return Some(ForwardingLoop::Returned);
            }
            hops += 1;
        }
        (hops >= MAX_HOPS).then_some(ForwardingLoop::TooManyHops)
    }

    /// Adds this gateway to the fields of a request that arrived with that version.
    pub(super) fn append(&self, fields: &mut HeaderMap, received: Version) {
        let version = match received {
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        // Never fails: the name is a token.
        if let Ok(entry) = HeaderValue::from_str(&format!("{version} {}", self.0)) {
            fields.append(header::VIA, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ViaName {
        ViaName::new(&"g1".parse().unwrap())
    }

    #[test]
    fn gateway_recognises_its_own_requests_and_no_others() {
        let (own, namesake) = (name(), name());
        let mut fields = HeaderMap::new();
        fields.append(header::VIA, HeaderValue::from_static("1.1 a (x), 2 b"));
        namesake.append(&mut fields, Version::HTTP_11);
        assert_eq!(own.find_loop(&fields), None);
        own.append(&mut fields, Version::HTTP_10);
        assert_eq!(own.find_loop(&fields), Some(ForwardingLoop::Returned));
        let last = fields.get_all(header::VIA).iter().next_back().unwrap();
        assert_eq!(last.to_str().unwrap(), format!("1.0 {}", own.0));
    }

    #[test]
    fn chain_of_proxies_is_bounded() {
        let mut fields = HeaderMap::new();
        for _ in 0..MAX_HOPS {
            assert_eq!(name().find_loop(&fields), None);
            name().append(&mut fields, Version::HTTP_11);
        }
        assert_eq!(name().find_loop(&fields), Some(ForwardingLoop::TooManyHops));
    }
}
