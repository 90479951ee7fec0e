//! `highwater serve`.

mod consumer;
mod gateway;
mod node;
mod reload;

use std::{io, net::SocketAddr};

use highwater_server::{BrokerConfig, Listeners, broker};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{log, print, runtime, signals::Requests};
use crate::{
    args::{Serve, ServeNode},
    exit::Exit,
    failure::Failure,
};

/// Serves until SIGTERM or Ctrl-C; then drains and ends.
pub(crate) fn execute(serve: Serve) -> Result<Exit, Failure> {
    log();
    // The command line's soft limit would be the node's high-water mark.
    highwater_loadgen::sampling::raise_open_files()
        .map_err(|error| Failure::new(Exit::Internal, error))?;
    runtime()?.block_on(async {
        let shutdown = shutdown().map_err(|error| Failure::new(Exit::Internal, error))?;
        match serve {
            Serve::Node(args) => serve_node(*args, shutdown).await,
            Serve::Gateway(args) => gateway::execute(*args, shutdown).await,
            Serve::Consumer(args) => consumer::execute(args, shutdown).await,
            Serve::Broker(args) => {
                let listener = listen("listening", args.listen)?;
                broker::run(listener, BrokerConfig::default(), shutdown)
                    .await
                    .map_err(|error| Failure::new(Exit::Internal, error))
            }
        }
    })?;
    Ok(Exit::Passed)
}

async fn serve_node(args: ServeNode, shutdown: CancellationToken) -> Result<(), Failure> {
    let (public, admin) = (args.listen, args.admission.admin_listen);
    // Files first: what is wrong with them is told before a port is taken.
    let config = node::config(args)?;
    // Before anybody is told that it listens, and may signal it.
    if let Some(tls) = &config.tls {
        reload::on_hangup(tls.clone()).map_err(|error| Failure::new(Exit::Internal, error))?;
    }
    let listeners = Listeners {
        public: listen("listening", public)?,
        admin: admin.map(|address| listen("admin", address)).transpose()?,
    };
    highwater_server::node::run(listeners, config, shutdown)
        .await
        .map_err(|error| Failure::new(Exit::Refused, error))
}

/// Listens, and says where in a line on stdout that begins with `what`, for
/// whoever asked for port 0.
fn listen(what: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
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
        Err(error) => Err(Failure::listen(address, error)),
    }
}

fn shutdown() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut requests = Requests::listen()?;
    let cancel = token.clone();
    tokio::spawn(async move {
        requests.next().await;
        cancel.cancel();
    });
    Ok(token)
}
