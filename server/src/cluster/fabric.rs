//! A cluster without sockets, and the number of messages that a change of members costs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Duration, Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    context::ClusterContext, directory_client, fixture, inbound, resync, routing::Routing,
};
use crate::{
    backplane::{
        Backplane, Inbound, Member, MemberRole, ReplyTo, RequestError, SendError, TrafficCounters,
        View,
    },
    id::{NodeId, Topic},
    limits::NodeLimits,
    message::DeviceLocation,
    session::{Session, SessionContext},
};

/// The nodes of one cluster, and the messages between them.
#[derive(Default)]
struct Wires {
    inboxes: Mutex<BTreeMap<NodeId, mpsc::Sender<Inbound>>>,
    /// The requesters that wait, by correlation.
    waiting: Mutex<BTreeMap<u64, oneshot::Sender<Bytes>>>,
    next_correlation: AtomicU64,
    messages: AtomicU64,
}

/// One node's end.
struct Wire {
    me: NodeId,
    wires: Arc<Wires>,
    view: watch::Sender<Arc<View>>,
    traffic: TrafficCounters,
}

impl Wire {
    fn pass(&self, to: &NodeId, inbound: Inbound) -> Result<(), SendError> {
        let left = || SendError::NotMember(to.clone());
        self.view.borrow().member(to).ok_or_else(left)?;
        self.wires.messages.fetch_add(1, Relaxed);
        let inboxes = self.wires.inboxes.lock();
        let inbox = inboxes.get(to).ok_or_else(left)?;
        inbox.try_send(inbound).map_err(|_| SendError::Full)
    }
}

impl Backplane for Wire {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    fn send(&self, to: &NodeId, payload: Bytes) -> Result<(), SendError> {
        let from = self.me.clone();
        self.pass(to, Inbound::Message { from, payload })
    }

    fn request(
        &self,
        to: &NodeId,
        payload: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        let correlation = self.wires.next_correlation.fetch_add(1, Relaxed);
        let (answer, answered) = oneshot::channel();
        self.wires.waiting.lock().insert(correlation, answer);
        let reply_to = ReplyTo {
            node: self.me.clone(),
            correlation,
        };
        let from = self.me.clone();
        let sent = self.pass(
            to,
            Inbound::Request {
                from,
                reply_to,
                payload,
            },
        );
        let at = to.clone();
        async move {
            sent?;
            match tokio::time::timeout_at(deadline, answered).await {
                Ok(Ok(answer)) => Ok(answer),
                _ => Err(RequestError::Deadline { at }),
            }
        }
        .boxed()
    }

    fn reply(&self, to: &ReplyTo, payload: Bytes) -> Result<(), SendError> {
        self.wires.messages.fetch_add(1, Relaxed);
        if let Some(answer) = self.wires.waiting.lock().remove(&to.correlation) {
            let _ = answer.send(payload);
        }
        Ok(())
    }

    fn forward(&self, request: &ReplyTo, to: &NodeId, payload: Bytes) -> Result<(), SendError> {
        let (from, reply_to) = (self.me.clone(), request.clone());
        self.pass(
            to,
            Inbound::Request {
                from,
                reply_to,
                payload,
            },
        )
    }

    fn announce_leave(&self) {}

    fn publish(&self, _: &Topic, _: Bytes) -> Result<(), SendError> {
        Ok(())
    }

    fn subscribe(&self, _: &Topic) {}

    fn unsubscribe(&self, _: &Topic) {}

    fn traffic(&self) -> &TrafficCounters {
        &self.traffic
    }
}

struct FabricNode {
    cluster: Arc<ClusterContext>,
    wire: Arc<Wire>,
}

/// Nodes `n0`, `n1`, … that share a view.
struct Fabric {
    wires: Arc<Wires>,
    nodes: Vec<FabricNode>,
    members: Vec<Member>,
    version: u64,
}

impl Fabric {
    /// Starts nodes, which join one after the other and settle.
    async fn start(count: usize) -> Self {
        let mut fabric = Self {
            wires: Arc::default(),
            nodes: Vec::new(),
            members: Vec::new(),
            version: 0,
        };
        for at in 0..count {
            fabric.add_node(&format!("n{at:02}"));
        }
        fabric.show();
        fabric.settle().await;
        fabric
    }

    fn add_node(&mut self, name: &str) {
        let me = fixture::id(name);
        let wire = Arc::new(Wire {
            me: me.clone(),
            wires: Arc::clone(&self.wires),
            view: watch::Sender::default(),
            traffic: TrafficCounters::default(),
        });
        let (deliver, inbox) = mpsc::channel(1024);
        self.wires.inboxes.lock().insert(me.clone(), deliver);
        let sessions = Arc::new(SessionContext::new(NodeLimits::default()));
        let backplane: Arc<dyn Backplane> = Arc::clone(&wire) as _;
        let (cluster, updates) =
            ClusterContext::new(me.clone(), Routing::Directory, backplane, sessions);
        let cluster = Arc::new(cluster);
        let never = CancellationToken::new();
        let leave = CancellationToken::new();
        tokio::spawn(inbound::run(
            Arc::clone(&cluster),
            inbox,
            never,
            leave,
            || None,
        ));
        tokio::spawn(resync::run(Arc::clone(&cluster)));
        tokio::spawn(directory_client::run(Arc::clone(&cluster), updates));
        self.nodes.push(FabricNode { cluster, wire });
        self.join(&me);
    }

    /// Gives a node a new entry in the next view.
    fn join(&mut self, id: &NodeId) {
        self.version += 1;
        self.members.retain(|member| member.id != *id);
        self.members.push(Member {
            id: id.clone(),
            incarnation: 1,
            generation: self.version,
            address: None,
            role: MemberRole::Node,
        });
        self.members.sort_by(|a, b| a.id.cmp(&b.id));
    }

    fn leave(&mut self, id: &NodeId) {
        self.version += 1;
        self.members.retain(|member| member.id != *id);
    }

    /// Shows the view to its members.
    fn show(&self) {
        let view = Arc::new(View {
            version: self.version,
            members: self.members.clone(),
            connected: true,
        });
        let is_member = |node: &&FabricNode| view.member(&node.wire.me).is_some();
        for node in self.nodes.iter().filter(is_member) {
            node.wire.view.send_replace(Arc::clone(&view));
        }
    }

    /// Waits until every member has applied the view and knows all connections.
    async fn settle(&self) {
        let is_settled = |node: &FabricNode| {
            let is_member = self.members.iter().any(|member| member.id == node.wire.me);
            let is_applied = node.cluster.table().view.version == self.version;
            !is_member || (is_applied && node.cluster.directory.lock().nodes_to_pull().is_empty())
        };
        let settled = async {
            while !self.nodes.iter().all(is_settled) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(600), settled).await.unwrap();
    }

    /// Returns the messages between two settled states.
    async fn messages_of(&mut self, change: impl AsyncFnOnce(&mut Self)) -> u64 {
        let before = self.wires.messages.load(Relaxed);
        change(self).await;
        self.settle().await;
        self.wires.messages.load(Relaxed) - before
    }

    /// Connects a device to a node, as a socket would.
    async fn connect(&self, at: usize, device: &str) {
        let cluster = &self.nodes[at].cluster;
        let session = Arc::new(Session::new(device.parse().unwrap(), 1));
        cluster.sessions.registry.insert(&session);
        let deadline = Instant::now() + Duration::from_secs(60);
        directory_client::register(cluster, &session, deadline)
            .await
            .unwrap();
    }

    /// Asserts that the slot owner of each device knows where it is.
    fn assert_located(&self, devices: &[(String, usize)]) {
        for (device, at) in devices {
            let device = device.parse().unwrap();
            let table = self.nodes[*at].cluster.table();
            let owner = table.slot_owner(&device).unwrap().id.clone();
            let stores = |node: &&FabricNode| node.wire.me == owner;
            let slot_owner = self.nodes.iter().find(stores).unwrap();
            let located = slot_owner.cluster.locate_entry(&device);
            let expected = &self.nodes[*at].wire.me;
            assert!(
                matches!(&located, DeviceLocation::OnNode { owner, .. } if owner == expected),
                "{device}: {located:?}"
            );
        }
    }
}

/// A view costs a request and an answer for each pair of a slot owner and a node whose
/// connections are in doubt there, however many devices there are.
#[tokio::test(start_paused = true)]
async fn messages_of_a_view_are_bounded_by_what_it_moves() {
    for count in [4_usize, 40] {
        let mut fabric = Fabric::start(count).await;
        let mut devices = Vec::new();
        for number in 0..count * 20 {
            let at = number % count;
            fabric.connect(at, &format!("d{number}")).await;
            devices.push((format!("d{number}"), at));
        }
        let (n, first) = (count as u64, fixture::id("n00"));

        let nothing_moves = async |fabric: &mut Fabric| {
            fabric.join(&fixture::id("gateway"));
            let last = fabric
                .members
                .iter_mut()
                .find(|m| m.id == fixture::id("gateway"));
            last.unwrap().role = MemberRole::Gateway;
            fabric.show();
        };
        assert_eq!(fabric.messages_of(nothing_moves).await, 0, "of {count}");

        let one_returns = async |fabric: &mut Fabric| {
            fabric.join(&first);
            fabric.show();
        };
        // The others ask the node, and the node asks the others.
        let messages = fabric.messages_of(one_returns).await;
        assert_eq!(messages, 2 * 2 * (n - 1), "of {count}");

        let all_return_together = async |fabric: &mut Fabric| {
            let ids: Vec<NodeId> = fabric
                .nodes
                .iter()
                .map(|node| node.wire.me.clone())
                .collect();
            ids.iter().for_each(|id| fabric.join(id));
            fabric.show();
        };
        let messages = fabric.messages_of(all_return_together).await;
        assert_eq!(messages, 2 * n * (n - 1), "of {count}");
        fabric.assert_located(&devices);
    }
}

#[tokio::test(start_paused = true)]
async fn returned_node_reconciles_only_its_differences() {
    let mut fabric = Fabric::start(4).await;
    let mut devices = Vec::new();
    for number in 0..400 {
        fabric.connect(number % 4, &format!("d{number}")).await;
        devices.push((format!("d{number}"), number % 4));
    }
    let away = fixture::id("n00");
    let messages = fabric
        .messages_of(async |fabric: &mut Fabric| {
            fabric.leave(&away);
            fabric.show();
            fabric.settle().await;
            // A device goes to another node while its own is away, and others come.
            fabric.connect(1, "d0").await;
            fabric.connect(2, "new").await;
            fabric.join(&away);
            fabric.show();
        })
        .await;
    devices[0].1 = 1;
    devices.push(("new".to_owned(), 2));
    fabric.assert_located(&devices);
    let closed = fabric.nodes[0]
        .cluster
        .sessions
        .registry
        .get(&"d0".parse().unwrap());
    assert!(
        !closed.unwrap().is_open(),
        "the replaced connection stays open"
    );
    // The leave: three slot owners ask two others. The return: twice three. Listings take no
    // message of their own, the two devices up to three each.
    assert!(messages <= 2 * (6 + 6) + 6, "{messages}");
}
