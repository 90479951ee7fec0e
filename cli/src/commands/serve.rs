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
    // Files first: what is wrong with them is told before a port is taken.
    let config = node::config(args)?;
    // Before anybody is told that it listens, and may signal it.
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

/// Listens, and says where in a line on stdout that begins with `what`, for
/// whoever asked for port 0.
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
