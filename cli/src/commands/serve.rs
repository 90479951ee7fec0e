//! `highwater serve`.

mod consumer;
mod gateway;
mod node;
mod reload;

use std::{io, net::SocketAddr};

use highwater_server::{BrokerConfig, ListenSockets, broker};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{init_logging, print, runtime, signals::StopSignals};
use crate::{
    args::{ServeCommand, ServeNode},
    exit::Exit,
    failure::CliFailure,
};

/// Serves until SIGTERM or Ctrl-C; then drains and ends.
pub(crate) fn execute(serve: ServeCommand) -> Result<Exit, CliFailure> {
    init_logging();
    // The command line's soft limit would be the node's high-water mark.
    highwater_loadgen::sampling::raise_open_files()
        .map_err(|error| CliFailure::new(Exit::Internal, error))?;
    runtime()?.block_on(async {
        let shutdown = shutdown().map_err(|error| CliFailure::new(Exit::Internal, error))?;
        match serve {
            ServeCommand::Node(args) => serve_node(*args, shutdown).await,
            ServeCommand::Gateway(args) => gateway::execute(*args, shutdown).await,
            ServeCommand::Consumer(args) => consumer::execute(args, shutdown).await,
            ServeCommand::Broker(args) => {
                let listener = bind_and_announce("listening", args.listen)?;
                broker::run(listener, BrokerConfig::default(), shutdown)
                    .await
                    .map_err(|error| CliFailure::new(Exit::Internal, error))
            }
        }
    })?;
    Ok(Exit::Passed)
}

async fn serve_node(args: ServeNode, shutdown: CancellationToken) -> Result<(), CliFailure> {
    let (public, admin) = (args.listen, args.admission.admin_listen);
    // Files first, because an error in them must not leave an open port behind.
    let config = node::config(args)?;
    // Before the announcement, because a script may send SIGHUP from then on.
    if let Some(tls) = &config.tls {
        reload::on_hangup(tls.clone()).map_err(|error| CliFailure::new(Exit::Internal, error))?;
    }
    let listeners = ListenSockets {
        public: bind_and_announce("listening", public)?,
        admin: admin
            .map(|address| bind_and_announce("admin", address))
            .transpose()?,
    };
    highwater_server::node::run(listeners, config, shutdown)
        .await
        .map_err(|error| CliFailure::new(Exit::Refused, error))
}

/// Listens, and prints the address on stdout in a line that begins with `what`. With
/// port 0, a script learns the port from this line.
fn bind_and_announce(what: &str, address: SocketAddr) -> Result<TcpListener, CliFailure> {
    let listening = || -> io::Result<(TcpListener, SocketAddr)> {
        let listener = highwater_server::listen(address)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    match listening() {
        Ok((listener, address)) => {
            print(&format!("{what} on {address}"));
            Ok(listener)
        }
        Err(error) => Err(CliFailure::listen(address, error)),
    }
}

fn shutdown() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut requests = StopSignals::listen()?;
    let cancel = token.clone();
    tokio::spawn(async move {
        requests.recv().await;
        cancel.cancel();
    });
    Ok(token)
}
