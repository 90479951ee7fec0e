//! Queues of nodes that died: hundreds of them, beside those of another cluster.

use std::time::Duration;

use highwater_services::Service;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{clients, queues, subscribed_queues};
use crate::{
    backplane::{
        BackplaneConfig, Identity, JoinedBackplane,
        aws::{clients::AwsClients, names::AwsNames, transport::SnsTransport},
        clean_up, join,
        remote::conformance::{TEST_TIMEOUT, address, shared, wait_for_view},
    },
    id::ClusterName,
};

/// The nodes that die.
const DEAD: usize = 200;
/// The nodes that live at the same time. Each heartbeat goes to every queue, so the emulator
/// cannot carry those of hundreds.
const AT_ONCE: usize = 5;
/// The lease of the nodes that die.
const DEAD_LEASE: Duration = Duration::from_secs(3);
/// The lease of all others, which outlasts the delays of a busy machine.
const LEASE: Duration = Duration::from_secs(20);

struct Clusters {
    service: std::sync::Arc<Service>,
    clients: AwsClients,
    own: ClusterName,
    /// A cluster whose name begins with that of the other one.
    neighbour: ClusterName,
}

impl Clusters {
    async fn new() -> Self {
        let service = shared::<SnsTransport>();
        let own = address(&service.url()).cluster;
        Self {
            clients: clients(&service.url()).await,
            neighbour: format!("{own}-2").parse().unwrap(),
            own,
            service,
        }
    }

    fn config(&self, cluster: &ClusterName, lease: Duration) -> BackplaneConfig {
        BackplaneConfig {
            cluster: cluster.clone(),
            lease,
            ..BackplaneConfig::for_url(Some(self.service.url().parse().unwrap()))
        }
    }

    fn join(&self, cluster: &ClusterName, id: &str, lease: Duration) -> JoinedBackplane {
        let config = self.config(cluster, lease);
        join(&config, Identity::of_node(id, 1), CancellationToken::new())
    }

    /// Returns the numbers of queues and of subscriptions of a cluster.
    async fn leftovers(&self, cluster: &ClusterName) -> (usize, usize) {
        let names = AwsNames::new(cluster).unwrap();
        let is_own = |name: &String| names.is_queue(name.rsplit(':').next().unwrap());
        let queues = queues(&self.clients).await;
        let subscribed = subscribed_queues(&self.clients).await;
        (
            queues.iter().filter(|name| is_own(name)).count(),
            subscribed.iter().filter(|name| is_own(name)).count(),
        )
    }

    /// Joins nodes and ends each of them as SIGKILL does.
    async fn kill_nodes(&self) {
        let ids: Vec<String> = (0..DEAD).map(|number| format!("dead.{number}")).collect();
        for ids in ids.chunks(AT_ONCE) {
            let nodes: Vec<_> = ids
                .iter()
                .map(|id| self.join(&self.own, id, DEAD_LEASE))
                .collect();
            for node in &nodes {
                wait_for_view(node, "a node", |view| view.connected).await;
            }
            // Without its receiver the task of a connection ends and says nothing.
            for JoinedBackplane { inbound, task, .. } in nodes {
                drop(inbound);
                task.await.unwrap();
            }
        }
        let (queues, subscriptions) = self.leftovers(&self.own).await;
        // Each was connected, so it had both. On a busy machine the last ones have begun to remove
        // those of the first.
        assert!(
            queues >= DEAD / 2 && subscriptions >= DEAD / 2,
            "{queues} {subscriptions}"
        );
    }

    async fn wait_for_leftovers(&self, cluster: &ClusterName, expected: usize) {
        let waiting = async {
            while self.leftovers(cluster).await != (expected, expected) {
                sleep(Duration::from_millis(200)).await;
            }
        };
        let reached = timeout(2 * TEST_TIMEOUT, waiting).await;
        if reached.is_err() {
            panic!("{:?} instead of {expected}", self.leftovers(cluster).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survivor_removes_two_hundred_queues_and_none_of_another_cluster() {
    let clusters = Clusters::new().await;
    let neighbour = clusters.join(&clusters.neighbour, "n", LEASE);
    wait_for_view(&neighbour, "the neighbour", |view| view.connected).await;
    clusters.kill_nodes().await;
    let survivor = clusters.join(&clusters.own, "survivor", LEASE);
    clusters.wait_for_leftovers(&clusters.own, 1).await;
    wait_for_view(&survivor, "the survivor alone", |view| {
        view.members.len() == 1
    })
    .await;
    assert_eq!(clusters.leftovers(&clusters.neighbour).await, (1, 1));
    assert_eq!(neighbour.backplane.traffic().reconnects.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reaper_alone_removes_two_hundred_queues_and_none_of_another_cluster() {
    let clusters = Clusters::new().await;
    let neighbour = clusters.join(&clusters.neighbour, "n", LEASE);
    wait_for_view(&neighbour, "the neighbour", |view| view.connected).await;
    clusters.kill_nodes().await;
    let config = clusters.config(&clusters.own, LEASE);
    let cleaning = clean_up(&config, CancellationToken::new());
    let cleaned = timeout(2 * TEST_TIMEOUT, cleaning).await.unwrap().unwrap();
    assert_eq!(cleaned.members, DEAD as u64);
    assert!(cleaned.inboxes >= DEAD as u64, "{cleaned:?}");
    // Not even that of the reaper itself.
    assert_eq!(clusters.leftovers(&clusters.own).await, (0, 0));
    assert_eq!(clusters.leftovers(&clusters.neighbour).await, (1, 1));
    assert_eq!(neighbour.backplane.traffic().reconnects.get(), 0);
}
