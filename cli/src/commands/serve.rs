//! `highwater serve`: the processes of the reference cluster.

mod broker;
mod consumer;
mod gateway;
mod hangup;
mod listen;
mod node;
mod reaper;
mod stream_filter;

use std::io;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use self::{
    broker::ServeBroker, consumer::ServeConsumer, gateway::ServeGateway, hangup::Hangup,
    node::ServeNode, reaper::ServeReaper, stream_filter::ServeStreamFilter,
};
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
    /// A clean-up of what dead processes have left at the cluster's broker
    Reaper(ServeReaper),
    /// A filter between a table of actions and the nodes: it publishes what nodes write
    StreamFilter(ServeStreamFilter),
}

/// Serves until SIGTERM, SIGQUIT or Ctrl-C; then drains and ends.
pub(crate) fn execute(serve: ServeCommand) -> Result<Exit, CliFailure> {
    init_logging();
    // The soft limit of the shell would otherwise bound the sockets of the node.
    highwater_loadgen::sampling::raise_open_files().map_err(CliFailure::internal)?;
    runtime()?.block_on(async {
        let shutdown = cancel_on_stop().map_err(CliFailure::internal)?;
        // Before an address is announced, because a script may send SIGHUP from then on.
        let hangup = Hangup::listen().map_err(CliFailure::internal)?;
        match serve {
            ServeCommand::Node(args) => node::execute(*args, hangup, shutdown).await,
            ServeCommand::Gateway(args) => gateway::execute(*args, hangup, shutdown).await,
            ServeCommand::Consumer(args) => {
                hangup.follow(None);
                consumer::execute(args, shutdown).await
            }
            ServeCommand::Reaper(args) => {
                hangup.follow(None);
                reaper::execute(args, shutdown).await
            }
            ServeCommand::StreamFilter(args) => {
                hangup.follow(None);
                stream_filter::execute(args, shutdown).await
            }
            ServeCommand::Broker(args) => {
                hangup.follow(None);
                broker::execute(args, shutdown).await
            }
        }
    })?;
    Ok(Exit::Passed)
}

/// Returns a token that the first SIGTERM, SIGINT or SIGQUIT cancels. The second one ends
/// the process without a drain.
fn cancel_on_stop() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let signals = StopSignals::listen()?;
    tokio::spawn(signals.cancel_then_exit(token.clone()));
    Ok(token)
}
