//! `highwater serve broker`.

use std::net::SocketAddr;

use clap::Args;
use highwater_server::{BrokerConfig, broker};
use tokio_util::sync::CancellationToken;

use super::listen::bind_and_announce;
use crate::{failure::CliFailure, options::address::parse_address};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  highwater serve broker --listen 127.0.0.1:7000

The first line on stdout is `listening on ADDRESS`.")]
pub(crate) struct ServeBroker {
    /// Address to listen on, HOST:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,
}

/// Serves the embedded broker until SIGTERM or Ctrl-C.
pub(super) async fn execute(
    args: &ServeBroker,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let listener = bind_and_announce("listening", args.listen)?;
    broker::run(listener, BrokerConfig::default(), shutdown)
        .await
        .map_err(CliFailure::internal)
}
