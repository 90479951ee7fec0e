//! Parts of the reference cluster; a node's options lie in files by their topic.

mod admission;
mod auth;
mod backplane;
mod consumer;
mod drain;
mod gateway;
mod time;
mod tls;

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use highwater_server::{LoadSource, NodeId, Routing};

pub(crate) use self::{
    admission::ServeAdmission, auth::ServeAuth, backplane::ServeBackplane, consumer::ServeConsumer,
    drain::ServeDrain, gateway::ServeGateway, tls::ServeTls,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example, a cluster of two behind a gateway:
  highwater serve broker --listen 127.0.0.1:7000
  highwater serve node --listen 127.0.0.1:8081 --id n1 \\
      --backplane local://127.0.0.1:7000
  highwater serve node --listen 127.0.0.1:8082 --id n2 \\
      --backplane local://127.0.0.1:7000
  highwater serve gateway --listen 127.0.0.1:8080 --id g1 \\
      --backplane local://127.0.0.1:7000")]
pub(crate) enum ServeCommand {
    /// A node: device sockets, commands, topics, metrics
    Node(Box<ServeNode>),
    /// A gateway: one address in front of the nodes, which it finds by itself
    Gateway(Box<ServeGateway>),
    /// The embedded backplane's broker
    Broker(ServeBroker),
    /// A consumer: handles the telemetry of devices as a member of a group
    Consumer(ServeConsumer),
}

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
second is `admin on ADDRESS`. SIGTERM and Ctrl-C drain, SIGHUP reads the
certificate anew. HIGHWATER_AUTH_SECRET and HIGHWATER_LOGIN_SECRET may hold what
else is read from files.
RUST_LOG says what is logged on stderr, by default info.")]
pub(crate) struct ServeNode {
    /// Address to listen on, HOST:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Name of this node, unique in its cluster
    #[arg(long)]
    pub(crate) id: NodeId,
    /// HOST:PORT at which gateways reach this node, where --listen does not say
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
    pub(crate) admission: ServeAdmission,
    #[command(flatten)]
    pub(crate) drain: ServeDrain,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  highwater serve broker --listen 127.0.0.1:7000

The first line on stdout is `listening on ADDRESS`.")]
pub(crate) struct ServeBroker {
    /// Address to listen on, HOST:PORT; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
}

/// `HOST:PORT`; the host may be a name.
fn parse_host_port(text: &str) -> Result<String, String> {
    let is_address = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    match is_address {
        true => Ok(text.to_owned()),
        false => Err("expected HOST:PORT, such as node-1.example:8081".to_owned()),
    }
}
