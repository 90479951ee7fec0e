//! The broker behind the STOMP clients of a node.

use clap::Args;
use highwater_server::StompRelayUrl;

#[derive(Debug, Args)]
#[command(next_help_heading = "STOMP")]
pub(crate) struct ServeStomp {
    /// Broker to which STOMP clients of GET /stomp are passed on:
    /// stomp://[USER:PASSWORD@]HOST[:PORT][,...][/VHOST] [default: the
    /// nodes are their broker]
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_STOMP_RELAY",
        hide_env_values = true
    )]
    pub(crate) stomp_relay: Option<StompRelayUrl>,
}
