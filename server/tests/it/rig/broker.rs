//! An embedded broker in this process.

use std::net::SocketAddr;

use highwater_server::{BrokerConfig, broker, listen};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct TestBroker {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl TestBroker {
    pub(crate) fn start_at(address: SocketAddr, config: BrokerConfig) -> Self {
        let listener = listen(address).unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let running = broker::run(listener, config, shutdown.clone());
        let task = tokio::spawn(async { running.await.unwrap() });
        Self {
            address,
            shutdown,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("local://{}", self.address)
    }

    pub(crate) async fn stop(self) -> SocketAddr {
        self.shutdown.cancel();
        self.task.await.unwrap();
        self.address
    }
}
