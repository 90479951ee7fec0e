//! `highwater serve broker`.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use highwater_server::{BrokerConfig, BrokerError, broker};
use tokio_util::sync::CancellationToken;

use super::listen::open_listeners;
use crate::{
    exit::Exit,
    failure::CliFailure,
    heap,
    options::{
        address::parse_address,
        cluster_secret::{ClusterSecretArgs, SECRET_HINT},
        operators::ServeOperators,
        time::parse_duration_within,
    },
    stderr,
};

/// A consumer that restarts is away for some seconds.
const MIN_GROUP_EXPIRY: Duration = Duration::from_secs(10);
const MAX_GROUP_EXPIRY: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater serve broker --listen 127.0.0.1:7000
      For the processes of this machine, of any user.
  highwater serve broker --listen 10.0.0.5:7000 \\
      --cluster-secret-file cluster.secret
      For the processes that know the secret, in a private network.

  highwater serve broker --listen 127.0.0.1:7000 --admin-listen 127.0.0.1:7001
      With /healthz, /readyz and /metrics on port 7001.

The first line on stdout is `listening on ADDRESS`, with --admin-listen the
second is `admin on ADDRESS`. HIGHWATER_ADMIN_TOKEN may hold what else is read
from --admin-token-file.")]
pub(crate) struct ServeBroker {
    /// Address to listen on, HOST:PORT; port 0 takes a free one. Off loopback a
    /// cluster secret is needed
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,
    /// Serve /healthz, /readyz and /metrics here [default: nowhere]
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) admin_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) secret: ClusterSecretArgs,
    /// Time after which a consumer group without consumers is removed, 10s to 720h
    #[arg(
        long,
        value_name = "TIME",
        default_value = "15m",
        value_parser = parse_duration_within(MIN_GROUP_EXPIRY..=MAX_GROUP_EXPIRY)
    )]
    pub(crate) group_expiry: Duration,
    #[command(flatten)]
    pub(crate) operators: ServeOperators,
}

/// Serves the embedded broker until SIGTERM or Ctrl-C.
pub(super) async fn execute(
    args: ServeBroker,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let config = BrokerConfig {
        secret: args.secret.load()?,
        group_expiry: args.group_expiry,
        admin_token: args.operators.load()?,
        // The library does not choose the allocator, so the binary passes a probe of its own.
        heap_probe: Some(heap::live_bytes),
        dropped_log_lines: Some(stderr::dropped),
        ..BrokerConfig::default()
    };
    // Before the announcement, because an error must not leave an open port behind.
    config.check_address(args.listen).map_err(refusal)?;
    let listeners = open_listeners(args.listen, args.admin_listen)?;
    broker::run(listeners, config, shutdown)
        .await
        .map_err(refusal)
}

fn refusal(error: BrokerError) -> CliFailure {
    match error {
        BrokerError::NoSecret(_) => {
            CliFailure::new(Exit::Usage, error).with_hint(Some(SECRET_HINT))
        }
        BrokerError::Listener(_) | BrokerError::TaskEnded(_) => CliFailure::internal(error),
    }
}
