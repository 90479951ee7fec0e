//! `highwater serve gateway`.

use std::time::Duration;

use clap::Args;
use highwater_server::{
    AllowedNetworks, GatewayConfig, GatewayLimits, GatewayPolicy, LoadMetric, NodeId, gateway,
};
use tokio_util::sync::CancellationToken;

use super::{hangup::Hangup, listen::open_listeners};
use crate::{
    failure::CliFailure,
    heap,
    options::{
        backplane::{MembershipLease, NodesBackplane},
        drain::{DrainArgs, MAX_DURATION},
        listen::{ConnectionLimitArgs, ServeListen, ServeProxies},
        operators::ServeOperators,
        time::parse_duration_within,
        tls::ServeTls,
    },
    stderr,
};

/// Bounds of `--health-interval`.
const MIN_HEALTH_INTERVAL: Duration = Duration::from_millis(100);
const MAX_HEALTH_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
#[command(
    override_usage = "highwater serve gateway --backplane <URL> --listen <ADDR> --id <ID>\n                               [OPTIONS]"
)]
#[command(after_help = "Examples:
  highwater serve gateway --listen 127.0.0.1:8080 --id g1 \\
      --backplane local://127.0.0.1:7000
      In front of the nodes whose broker listens on port 7000.
  highwater serve gateway --listen 127.0.0.1:8443 --id g1 \\
      --backplane redis://127.0.0.1 --cluster home --policy least-conn \\
      --tls-cert home.pem --tls-key home.key
      Speaks wss and https; a new socket goes where there are fewest.

Nodes are found on the backplane, as they come and go. /healthz, /readyz,
/metrics and /nodes are the gateway's own, everything else is forwarded but
/admin. The first line on stdout is `listening on ADDRESS`, with --admin-listen
the second is `admin on ADDRESS`. SIGTERM and Ctrl-C drain, a second one ends
the process at once, SIGHUP reads the certificate anew. HIGHWATER_ADMIN_TOKEN
may hold what else is read from --admin-token-file.
RUST_LOG says what is logged on stderr, by default info.")]
pub(crate) struct ServeGateway {
    #[command(flatten)]
    pub(crate) listen: ServeListen,
    /// Name of this gateway, unique among the gateways and nodes of its cluster
    #[arg(long)]
    pub(crate) id: NodeId,
    #[command(flatten)]
    pub(crate) nodes: NodesBackplane,
    /// Networks in which nodes may be, CIDR,...; never link-local ones [default:
    /// loopback and private ones]
    #[arg(long, value_name = "CIDRS", default_value_t, hide_default_value = true)]
    pub(crate) allowed_networks: AllowedNetworks,
    #[command(flatten)]
    pub(crate) lease: MembershipLease,
    #[command(flatten)]
    pub(crate) proxies: ServeProxies,
    #[command(flatten)]
    pub(crate) connections: ConnectionLimitArgs,
    #[command(flatten)]
    pub(crate) operators: ServeOperators,
    #[command(flatten)]
    pub(crate) balancing: ServeBalancing,
    #[command(flatten)]
    pub(crate) tls: ServeTls,
    #[command(flatten)]
    pub(crate) drain: DrainArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Balancing")]
pub(crate) struct ServeBalancing {
    /// Choice of a node: round-robin, least-conn, p2c or random
    #[arg(long, default_value_t = GatewayPolicy::P2c)]
    pub(crate) policy: GatewayPolicy,
    /// Load that the policy compares: `sockets`, or `custom`, the load that nodes report
    #[arg(long, value_name = "MEASURE", default_value_t = LoadMetric::Sockets)]
    pub(crate) load: LoadMetric,
    /// Slow start: time until a new node gets its full share, 0s to 10m
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration_within(Duration::ZERO..=MAX_DURATION))]
    pub(crate) slow_start: Duration,
    /// Time between two health checks of a node, 100ms to 1m
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = parse_duration_within(MIN_HEALTH_INTERVAL..=MAX_HEALTH_INTERVAL))]
    pub(crate) health_interval: Duration,
}

/// Forwards until SIGTERM, SIGQUIT or Ctrl-C; then drains and ends.
pub(super) async fn execute(
    args: ServeGateway,
    hangup: Hangup,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let (public, admin) = (args.listen.listen, args.listen.admin_listen);
    // Files first, because an error in them must not leave an open port behind.
    let config = config(args)?;
    hangup.follow(config.tls.clone());
    let listeners = open_listeners(public, admin)?;
    Ok(gateway::run(listeners, config, shutdown).await?)
}

fn config(args: ServeGateway) -> Result<GatewayConfig, CliFailure> {
    Ok(GatewayConfig {
        cluster: args.nodes.cluster.name.clone(),
        cluster_secret: args
            .nodes
            .cluster
            .secret
            .load_for(args.nodes.needs_secret_at())?,
        allowed_networks: args.allowed_networks,
        membership_lease: args.lease.membership_lease,
        proxies: args.proxies.config(),
        policy: args.balancing.policy,
        load_metric: args.balancing.load,
        slow_start: args.balancing.slow_start,
        health_interval: args.balancing.health_interval,
        tls: args.tls.load()?,
        admin_token: args.operators.load()?,
        limits: GatewayLimits {
            handshake_rate: args.connections.max_handshakes,
            connections_per_address: args.connections.max_connections_per_address,
            drain_delay: args.drain.drain_delay,
            drain_rate: args.drain.drain_rate,
            ..GatewayLimits::default()
        },
        // The library does not choose the allocator, so the binary passes a probe of its own.
        heap_probe: Some(heap::live_bytes),
        dropped_log_lines: Some(stderr::dropped),
        ..GatewayConfig::new(args.id, args.nodes.url())
    })
}
