//! `highwater serve node`.

use clap::Args;
use highwater_server::{LoadSource, NodeConfig, NodeId, NodeLimits, Routing};
use tokio_util::sync::CancellationToken;

use super::{hangup::Hangup, listen::open_listeners};
use crate::{
    failure::CliFailure,
    heap,
    options::{
        admission::ServeAdmission,
        auth::ServeAuth,
        backplane::ServeBackplane,
        browsers::ServeBrowsers,
        drain::ServeDrain,
        listen::{ServeListen, ServeProxies},
        operators::ServeOperators,
        stomp::ServeStomp,
        tls::ServeTls,
    },
    stderr,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater serve node --listen 127.0.0.1:8080 --id n1
      A cluster of one.
  highwater serve node --listen 127.0.0.1:8081 --id n1 \\
      --backplane local://127.0.0.1:7000
      A node of a cluster whose broker listens on port 7000.
  highwater serve node --listen 127.0.0.1:8081 --id n1 \\
      --backplane redis://127.0.0.1 --cluster home
      A node of the cluster `home`, joined by a Redis that others use too.
  highwater serve node --listen 127.0.0.1:8443 --id n1 \\
      --tls-cert node.pem --tls-key node.key
      A node that speaks wss and https.

The first line on stdout is `listening on ADDRESS`, with --admin-listen the
second is `admin on ADDRESS`. SIGTERM and Ctrl-C drain, a second one ends the
process at once, SIGHUP reads the certificate anew. HIGHWATER_AUTH_SECRET,
HIGHWATER_AUTH_PREVIOUS_SECRET, HIGHWATER_LOGIN_SECRET, HIGHWATER_ADMIN_TOKEN
and HIGHWATER_CLUSTER_SECRET may hold what else is read from files. With --auth,
/admin, /nodes and /metrics need --admin-token-file or --admin-listen.
RUST_LOG says what is logged on stderr, by default info.")]
pub(crate) struct ServeNode {
    #[command(flatten)]
    pub(crate) listen: ServeListen,
    /// Name of this node, unique in its cluster
    #[arg(long)]
    pub(crate) id: NodeId,
    /// HOST:PORT at which gateways reach this node; needed if --listen is a wildcard
    /// (0.0.0.0)
    #[arg(long, value_name = "ADDR", value_parser = parse_host_port)]
    pub(crate) advertise: Option<String>,
    /// Source of the load that gateways get beside the count of sockets: `posted` to
    /// /admin/load, or `heap`
    #[arg(long, value_name = "SOURCE", default_value_t = LoadSource::Posted)]
    pub(crate) load_source: LoadSource,
    /// Lookup of a device's node for a command: directory or broadcast
    #[arg(long, default_value_t = Routing::Directory)]
    pub(crate) routing: Routing,
    /// Serve POST /admin/faults, for experiments
    #[arg(long)]
    pub(crate) allow_faults: bool,
    /// Serve GET /echo, a WebSocket for conformance suites
    #[arg(long)]
    pub(crate) echo: bool,
    #[command(flatten)]
    pub(crate) backplane: ServeBackplane,
    #[command(flatten)]
    pub(crate) tls: ServeTls,
    #[command(flatten)]
    pub(crate) auth: ServeAuth,
    #[command(flatten)]
    pub(crate) operators: ServeOperators,
    #[command(flatten)]
    pub(crate) browsers: ServeBrowsers,
    #[command(flatten)]
    pub(crate) stomp: ServeStomp,
    #[command(flatten)]
    pub(crate) proxies: ServeProxies,
    #[command(flatten)]
    pub(crate) admission: ServeAdmission,
    #[command(flatten)]
    pub(crate) drain: ServeDrain,
}

/// Serves a node until SIGTERM, SIGQUIT or Ctrl-C; then drains and ends.
pub(super) async fn execute(
    args: ServeNode,
    hangup: Hangup,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let (public, admin) = (args.listen.listen, args.listen.admin_listen);
    // Files first, because an error in them must not leave an open port behind.
    let config = config(args)?;
    config.advertised_address(public)?;
    hangup.follow(config.tls.clone());
    let listeners = open_listeners(public, admin)?;
    Ok(highwater_server::node::run(listeners, config, shutdown).await?)
}

/// Converts the options into the configuration, and reads the files that they name.
fn config(args: ServeNode) -> Result<NodeConfig, CliFailure> {
    let auth = args
        .auth
        .load(args.backplane.cluster.broker_tls.broker_ca.as_ref())?;
    let backplane = args.backplane.url();
    Ok(NodeConfig {
        cluster_secret: args.backplane.cluster.secret.load_for(backplane.as_ref())?,
        backplane,
        cluster: args.backplane.cluster.name,
        membership_lease: args.backplane.lease.membership_lease,
        advertise: args.advertise,
        load_source: args.load_source,
        routing: args.routing,
        allow_faults: args.allow_faults,
        echo: args.echo,
        stomp_relay: args.stomp.stomp_relay,
        proxies: args.proxies.config(),
        tls: args.tls.load()?,
        auth,
        admin_token: args.operators.load()?,
        limits: NodeLimits {
            ping_interval: args.browsers.ping_interval,
            ..limits(&args.admission, &args.drain)
        },
        allowed_origins: args.browsers.allowed_origins,
        // The library does not choose the allocator, so the binary passes a probe of its own.
        heap_probe: Some(heap::live_bytes),
        dropped_log_lines: Some(stderr::dropped),
        ..NodeConfig::new(args.id)
    })
}

fn limits(admission: &ServeAdmission, drain: &ServeDrain) -> NodeLimits {
    NodeLimits {
        max_sockets: admission.max_sockets,
        upgrade_rate: admission.max_upgrades,
        upgrade_burst: admission.upgrade_burst,
        upgrade_delay: Some(admission.max_upgrade_delay),
        handshake_rate: admission.connections.max_handshakes,
        sockets_per_address: admission.max_sockets_per_address,
        connections_per_address: admission.connections.max_connections_per_address,
        drain_delay: drain.steps.drain_delay,
        drain_rate: drain.steps.drain_rate,
        drain_reconnect_window: drain.drain_window,
        max_age: drain.max_age,
        ..NodeLimits::default()
    }
}

/// Checks that `text` is `HOST:PORT`; the host may be a name.
fn parse_host_port(text: &str) -> Result<String, String> {
    // The last colon: an IPv6 address holds others. Port 0 is not an address to connect to.
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    match is_address {
        true => Ok(text.to_owned()),
        false => Err("expected HOST:PORT, such as node-1.example:8081".to_owned()),
    }
}
