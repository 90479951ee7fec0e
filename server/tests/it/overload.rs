//! A cluster whose broker hangs for a while.

use std::time::Duration;

use highwater_server::BrokerConfig;
use tokio::{runtime::Builder, sync::oneshot, task::JoinHandle};

use crate::rig::{TestBroker, TestDevice, TestNode, any_port, config, until};

/// Longer than a busy machine delays a broker, and no test waits for three of it.
const LEASE: Duration = Duration::from_secs(3);

/// A broker on a runtime of its own, which can stop as a process does on SIGSTOP.
struct HangingBroker {
    url: String,
    driving: Option<Driving>,
}

struct Driving {
    hang: oneshot::Sender<()>,
    ended: JoinHandle<tokio::runtime::Runtime>,
}

impl HangingBroker {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let broker = {
            let _guard = runtime.enter();
            let config = BrokerConfig {
                ping_interval: Duration::from_millis(200),
                peer_timeout: LEASE,
                ..BrokerConfig::default()
            };
            TestBroker::start_at(any_port(), config)
        };
        Self {
            url: broker.url(),
            driving: Some(Self::drive(runtime)),
        }
    }

    fn drive(runtime: tokio::runtime::Runtime) -> Driving {
        let (hang, hung) = oneshot::channel();
        // A thread of its own, because a runtime cannot block inside another one.
        let ended = tokio::task::spawn_blocking(move || {
            // An error, when the test has ended, is an end as well.
            let _ = runtime.block_on(hung);
            runtime
        });
        Driving { hang, ended }
    }

    /// Stops the broker. Its connections stay open.
    async fn hang(&mut self) -> tokio::runtime::Runtime {
        let driving = self.driving.take().unwrap();
        driving.hang.send(()).unwrap();
        driving.ended.await.unwrap()
    }

    fn resume(&mut self, runtime: tokio::runtime::Runtime) {
        self.driving = Some(Self::drive(runtime));
    }

    async fn join(&self, id: &str) -> TestNode {
        let mut config = config(id);
        config.backplane = Some(self.url.parse().unwrap());
        let node = TestNode::start(config);
        until("the node is ready", async || {
            node.get("/readyz").await.status == 200
        })
        .await;
        node
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broker_that_hangs_costs_no_socket_and_no_membership() {
    const DEVICES: usize = 40;
    let mut broker = HangingBroker::start();
    let mut nodes = Vec::new();
    for number in 1..=4 {
        nodes.push(broker.join(&format!("n{number}")).await);
    }
    for node in &nodes {
        until("the members are seen", async || {
            node.members().await.len() == 4
        })
        .await;
    }
    for (at, node) in nodes.iter().enumerate() {
        for number in 0..DEVICES {
            let device = TestDevice::open(node, &format!("d{at}-{number}")).await;
            device.reply_to_all();
        }
    }
    let runtime = broker.hang().await;
    for (at, node) in nodes.iter().enumerate() {
        until("the loss is seen", async || {
            node.get("/readyz").await.status == 503
        })
        .await;
        // The node's own devices are served.
        assert_eq!(node.command(&format!("d{at}-0")).await.status, 200);
        // New ones are taken, and say that no other node finds them.
        let new = TestDevice::open(node, &format!("new-{at}")).await;
        assert_eq!(new.headers["x-highwater-directory"], "unregistered");
        new.reply_to_all();
        assert_eq!(node.command(&format!("new-{at}")).await.status, 200);
        assert_eq!(node.metric("highwater_unregistered_sockets").await, 1.0);
        let body = node.get("/readyz").await.text();
        assert!(body.contains("serves 1 of at most"), "{body}");
    }
    broker.resume(runtime);
    for node in &nodes {
        until("the node is back", async || {
            node.get("/readyz").await.status == 200
        })
        .await;
        until("its devices are registered", async || {
            node.metric("highwater_unregistered_sockets").await == 0.0
        })
        .await;
    }
    for node in &nodes {
        for at in 0..4 {
            for device in [format!("new-{at}"), format!("d{at}-1")] {
                until("every node reaches every device", async || {
                    node.command(&device).await.status == 200
                })
                .await;
            }
        }
        let sockets = node.metric("highwater_sockets").await;
        assert_eq!(sockets, (DEVICES + 1) as f64, "a socket was closed");
        assert_eq!(
            node.metric("highwater_backplane_reconnects_total").await,
            0.0
        );
    }
}
