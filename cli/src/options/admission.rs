//! Limits on the sockets that a node accepts.

use std::net::SocketAddr;

use clap::Args;
use highwater_server::Rate;

use super::address::parse_address;

#[derive(Debug, Args)]
#[command(next_help_heading = "Admission")]
pub(crate) struct ServeAdmission {
    /// Most device sockets; more get 503
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_sockets: Option<usize>,
    /// Most new device sockets a second, such as 500/s; more get 503
    #[arg(long, value_name = "RATE")]
    pub(crate) max_upgrades: Option<Rate>,
    /// New sockets that a burst may contain [default: one second's worth]
    #[arg(
        long,
        value_name = "N",
        requires = "max_upgrades",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub(crate) upgrade_burst: Option<u32>,
    /// Most device sockets of one client address; more get 429
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_sockets_per_address: Option<usize>,
    /// Most connections of one client address that are not device sockets; more get 503
    /// [default: half of what the open files allow]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) max_connections_per_address: Option<usize>,
    /// Most TLS handshakes begun a second, such as 1000/s; more are closed
    #[arg(long, value_name = "RATE", requires = "tls_cert")]
    pub(crate) max_handshakes: Option<Rate>,
    /// Serve probes, metrics and /admin here and not on --listen
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) admin_listen: Option<SocketAddr>,
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number of 1 or more".to_owned()),
    }
}
