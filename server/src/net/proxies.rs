//! The proxies in front of a listener, and what they may say about their clients.

use super::networks::Networks;

/// The networks of proxies whose word about their clients is believed. By default the lists are
/// empty.
#[derive(Debug, Clone, Default)]
pub struct ProxyConfig {
    /// The networks whose connections begin with a header of the PROXY protocol.
    pub proxy_protocol: Networks,
    /// The networks whose `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` count.
    pub trusted_proxies: Networks,
}
