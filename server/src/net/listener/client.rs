//! The client of a request, which is not always the peer of its connection.

use std::{fmt, net::IpAddr, sync::Arc};

use axum::http::{HeaderMap, header};

use super::forwarded::{
    ForwardedHop, X_FORWARDED_FOR, X_FORWARDED_PROTO, forwarded, x_forwarded_for, x_forwarded_proto,
};
use crate::net::networks::Networks;

/// The client of a request. Every request of a listener carries it as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// The address of the client, by which limits count.
    pub(crate) address: IpAddr,
    /// Whether the connection of the client was TLS.
    pub(crate) is_tls: bool,
}

/// A function that returns whether an address is that of a gateway of the cluster.
type IsGateway = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// The peers whose word about their clients is believed.
#[derive(Clone, Default)]
pub(crate) struct TrustedPeers {
    proxies: Networks,
    /// `None` if no gateway connects to this process.
    is_gateway: Option<IsGateway>,
}

impl TrustedPeers {
    pub(crate) fn new(proxies: Networks) -> Self {
        Self {
            proxies,
            is_gateway: None,
        }
    }

    /// Believes the gateways of the cluster too.
    pub(crate) fn with_gateways(
        self,
        is_gateway: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            is_gateway: Some(Arc::new(is_gateway)),
            ..self
        }
    }

    /// Whether the peer is a gateway of the cluster.
    pub(super) fn is_gateway(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.is_gateway.as_ref().is_some_and(|test| test(peer))
    }

    /// Whether the peer's word about its clients is believed.
    pub(super) fn contains(&self, peer: IpAddr) -> bool {
        self.proxies.contains(peer) || self.is_gateway(peer)
    }

    /// Returns the client of a request that came from `peer`.
    ///
    /// The client is the nearest address that is not a trusted peer's. If `X-Forwarded-For` and
    /// `Forwarded` name different ones, neither counts: a proxy sets one of them and passes on
    /// the other as the client wrote it.
    pub(crate) fn client_of(&self, peer: IpAddr, is_tls: bool, headers: &HeaderMap) -> Client {
        let address = peer.to_canonical();
        let peer = Client { address, is_tls };
        let claims = [X_FORWARDED_FOR, X_FORWARDED_PROTO, header::FORWARDED];
        // Most requests carry none, and need no look at the members.
        if !claims.iter().any(|name| headers.contains_key(name)) || !self.contains(address) {
            return peer;
        }
        let by_x_forwarded = self.nearest_client(peer.address, &x_forwarded_for(headers));
        let by_forwarded = self.nearest_client(peer.address, &forwarded(headers));
        let named = match (by_x_forwarded, by_forwarded) {
            (Some(one), Some(other)) if one.client != other.client => return peer,
            (_, Some(hop)) | (Some(hop), None) => hop,
            (None, None) => ForwardedHop::default(),
        };
        let is_tls = named.is_tls.or_else(|| x_forwarded_proto(headers));
        Client {
            address: named.client.unwrap_or(peer.address),
            is_tls: is_tls.unwrap_or(peer.is_tls),
        }
    }

    /// Returns the nearest hop that no trusted peer is the client of; `None` without hops. A hop
    /// without an address is as far as the chain is known: the proxy before it is the client.
    fn nearest_client(&self, peer: IpAddr, hops: &[ForwardedHop]) -> Option<ForwardedHop> {
        let mut nearest = None;
        let mut known = peer;
        for hop in hops.iter().rev() {
            let client = hop.client.map(|client| client.to_canonical());
            nearest = Some(ForwardedHop {
                client: Some(client.unwrap_or(known)),
                is_tls: hop.is_tls,
            });
            match client {
                Some(client) if self.contains(client) => known = client,
                _ => break,
            }
        }
        nearest
    }
}

impl fmt::Debug for TrustedPeers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedPeers")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Returns the client of a request that 10.0.0.1 sends without TLS, where 10.0.0.0/8 and the
    /// gateway 192.0.2.1 are trusted.
    fn client(peer: &str, fields: &[(&'static str, &'static str)]) -> (String, bool) {
        let trusted = TrustedPeers::new("10.0.0.0/8".parse().unwrap())
            .with_gateways(|peer| peer == address("192.0.2.1"));
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        let client = trusted.client_of(address(peer), false, &headers);
        (client.address.to_string(), client.is_tls)
    }

    #[test]
    fn only_trusted_peers_name_the_client() {
        let claims = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
        ];
        let named = ("203.0.113.9".to_owned(), true);
        for trusted in ["10.0.0.1", "::ffff:10.0.0.1", "192.0.2.1"] {
            assert_eq!(client(trusted, &claims), named, "{trusted}");
        }
        for other in ["192.0.2.2", "203.0.113.1", "2001:db8::1"] {
            assert_eq!(client(other, &claims), (other.to_owned(), false));
        }
    }

    #[test]
    fn client_is_the_nearest_hop_that_is_not_trusted() {
        for (chain, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("203.0.113.9, 192.0.2.1, 10.0.0.2", "203.0.113.9"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            // Whatever stands before it was written by others.
            ("203.0.113.9, unknown", "10.0.0.1"),
            ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
            ("", "10.0.0.1"),
        ] {
            let (named, _) = client("10.0.0.1", &[("x-forwarded-for", chain)]);
            assert_eq!(named, expected, "{chain}");
        }
    }

    #[test]
    fn fields_that_name_different_clients_do_not_count() {
        let forwarded = ("forwarded", "for=203.0.113.9;proto=https");
        let same = ("x-forwarded-for", "203.0.113.9");
        let other = ("x-forwarded-for", "198.51.100.1");
        let proxy = ("10.0.0.1".to_owned(), false);
        let named = ("203.0.113.9".to_owned(), true);
        assert_eq!(client("10.0.0.1", &[forwarded]), named);
        assert_eq!(client("10.0.0.1", &[forwarded, same]), named);
        assert_eq!(client("10.0.0.1", &[forwarded, other]), proxy);
    }
}
