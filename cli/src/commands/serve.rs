//! `highwater serve`.

use std::{io, net::SocketAddr};

use highwater_server::{BrokerConfig, NodeConfig, broker, node};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::{log, print, runtime};
use crate::{
    args::{Serve, ServeNode},
    exit::Exit,
    failure::Failure,
    heap,
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
            Serve::Node(args) => {
                let listener = listen(args.listen)?;
                node::run(listener, node_config(args), shutdown)
                    .await
                    .map_err(|error| Failure::new(Exit::Refused, error))
            }
            Serve::Broker(args) => {
                let listener = listen(args.listen)?;
                broker::run(listener, BrokerConfig::default(), shutdown)
                    .await
                    .map_err(|error| Failure::new(Exit::Internal, error))
            }
        }
    })?;
    Ok(Exit::Passed)
}

fn node_config(args: ServeNode) -> NodeConfig {
    NodeConfig {
        backplane: args.backplane,
        routing: args.routing,
        allow_faults: args.allow_faults,
        echo: args.echo,
        heap_probe: Some(heap::live_bytes),
        ..NodeConfig::new(args.id)
    }
}

/// Listens, and says where: the first line on stdout, for whoever asked for
/// port 0.
fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listening = || -> io::Result<(TcpListener, SocketAddr)> {
        let listener = highwater_server::listen(address)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    match listening() {
        Ok((listener, address)) => {
            print(&format!("listening on {address}"));
            Ok(listener)
        }
        Err(error) => Err(Failure::listen(address, error)),
    }
}

fn shutdown() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}
