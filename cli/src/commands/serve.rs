//! `highwater serve`: the processes of the reference cluster.

mod broker;
mod consumer;
mod gateway;
mod listen;
mod node;

use std::io;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use self::{broker::ServeBroker, consumer::ServeConsumer, gateway::ServeGateway, node::ServeNode};
use super::signals::StopSignals;
use crate::{
    exit::Exit,
    failure::CliFailure,
    runtime::{init_logging, runtime},
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

/// Serves until SIGTERM or Ctrl-C; then drains and ends.
pub(crate) fn execute(serve: ServeCommand) -> Result<Exit, CliFailure> {
    init_logging();
    // The soft limit of the shell would otherwise bound the sockets of the node.
    highwater_loadgen::sampling::raise_open_files().map_err(CliFailure::internal)?;
    runtime()?.block_on(async {
        let shutdown = cancel_on_stop().map_err(CliFailure::internal)?;
        match serve {
            ServeCommand::Node(args) => node::execute(*args, shutdown).await,
            ServeCommand::Gateway(args) => gateway::execute(*args, shutdown).await,
            ServeCommand::Consumer(args) => consumer::execute(args, shutdown).await,
            ServeCommand::Broker(args) => broker::execute(args, shutdown).await,
        }
    })?;
    Ok(Exit::Passed)
}

/// Returns a token that the first SIGTERM or SIGINT cancels.
fn cancel_on_stop() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut signals = StopSignals::listen()?;
    let cancel = token.clone();
    tokio::spawn(async move {
        signals.recv().await;
        // tokio keeps the handlers, so a further signal does not cut the drain short.
        cancel.cancel();
    });
    Ok(token)
}
