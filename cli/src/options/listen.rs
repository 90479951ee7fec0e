//! The listeners of a node or a gateway, and the proxies in front of them.

use std::net::SocketAddr;

use clap::Args;
use highwater_server::{Networks, ProxyConfig, Rate};

use super::{address::parse_address, number::at_least_one};

#[derive(Debug, Args)]
pub(crate) struct ServeListen {
    /// Address to listen on, HOST:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,
    /// Serve probes, metrics, /nodes and /admin here and not on --listen
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) admin_listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Proxies")]
pub(crate) struct ServeProxies {
    /// Networks of proxies whose connections to --listen begin with a header of the PROXY
    /// protocol, CIDR,... [default: none]
    #[arg(long, value_name = "CIDRS")]
    pub(crate) proxy_protocol: Option<Networks>,
    /// Networks of proxies whose X-Forwarded-For, X-Forwarded-Proto and Forwarded count,
    /// CIDR,... [default: none]
    #[arg(long, value_name = "CIDRS")]
    pub(crate) trusted_proxies: Option<Networks>,
}

/// Limits of connections, before any request.
#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
pub(crate) struct ConnectionLimitArgs {
    /// Most connections of one client address that are not sockets; more get 503
    /// [default: half of what the open files allow]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_connections_per_address: Option<usize>,
    /// Most TLS handshakes begun a second, such as 1000/s; more are closed
    #[arg(long, value_name = "RATE", requires = "tls_cert")]
    pub(crate) max_handshakes: Option<Rate>,
}

impl ServeProxies {
    /// Returns the configuration of a process.
    pub(crate) fn config(self) -> ProxyConfig {
        ProxyConfig {
            proxy_protocol: self.proxy_protocol.unwrap_or_default(),
            trusted_proxies: self.trusted_proxies.unwrap_or_default(),
        }
    }
}
