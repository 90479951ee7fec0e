//! A member of a cluster without a node around it.

use std::{sync::Arc, thread};

use bytes::Bytes;
use highwater_server::{
    NodeId, Topic,
    backplane::{
        Backplane, BackplaneConfig, Identity, Inbound, JoinedBackplane, Member, MemberRole,
        ReplyTo, RequestError, View, join,
    },
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{ground::Ground, rig::TEST_TIMEOUT};

pub(super) struct TestPeer {
    pub(super) id: NodeId,
    pub(super) joined: JoinedBackplane,
    pub(super) leave: CancellationToken,
}

impl TestPeer {
    pub(super) fn join(ground: &Ground, id: &str) -> Self {
        Self::join_as(&ground.config(), id, 1)
    }

    /// Joins with this incarnation.
    pub(super) fn join_as(config: &BackplaneConfig, id: &str, incarnation: u64) -> Self {
        let leave = CancellationToken::new();
        let id: NodeId = id.parse().unwrap();
        let identity = Identity {
            id: id.clone(),
            incarnation,
            address: Some("h:1".to_owned()),
            role: MemberRole::Node,
        };
        Self {
            id,
            joined: join(config, identity, leave.clone()),
            leave,
        }
    }

    /// Ends the peer as SIGKILL does, without leaving in order.
    pub(super) fn kill(self) {
        drop(self.joined.inbound);
    }

    pub(super) fn backplane(&self) -> &Arc<dyn Backplane> {
        &self.joined.backplane
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.backplane().view().borrow().clone()
    }

    /// Returns this peer's own entry in its view.
    pub(super) fn own_member(&self) -> Member {
        self.view().member(&self.id).unwrap().clone()
    }

    pub(super) async fn wait_for_members(&self, count: usize) {
        self.wait_for_view("that many members", |view| {
            view.connected && view.members.len() == count
        })
        .await;
    }

    pub(super) async fn wait_for_view(
        &self,
        what: &str,
        condition: impl FnMut(&Arc<View>) -> bool,
    ) {
        let mut view = self.backplane().view();
        let seen = timeout(TEST_TIMEOUT, view.wait_for(condition)).await;
        let timed_out = |_| panic!("{} does not see {what}: {:?}", self.id, self.view());
        seen.unwrap_or_else(timed_out).unwrap();
    }

    pub(super) async fn next(&mut self) -> Inbound {
        timeout(TEST_TIMEOUT, self.joined.inbound.recv())
            .await
            .expect("no message arrived")
            .unwrap()
    }

    /// Receives the next message, as text.
    pub(super) async fn next_message(&mut self) -> String {
        match self.next().await {
            Inbound::Message { payload, .. } => String::from_utf8(payload.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Receives the next message, which is a request.
    pub(super) async fn next_request(&mut self) -> (NodeId, ReplyTo, Bytes) {
        match self.next().await {
            Inbound::Request {
                from,
                reply_to,
                payload,
            } => (from, reply_to, payload),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a request that no test lets expire.
    pub(super) fn request(
        &self,
        to: &NodeId,
        payload: &'static str,
    ) -> impl Future<Output = Result<Bytes, RequestError>> + use<> {
        self.backplane()
            .request(to, payload.into(), Instant::now() + TEST_TIMEOUT)
    }

    pub(super) fn reply(&self, to: &ReplyTo, payload: impl Into<Bytes>) {
        self.backplane().reply(to, payload.into()).unwrap();
    }

    pub(super) fn publish(&self, payload: &'static str) {
        self.backplane().publish(&topic(), payload.into()).unwrap();
    }

    /// Sends a message, and waits while the send queue is full.
    pub(super) async fn send(&self, to: &NodeId, text: &str) {
        let payload = Bytes::copy_from_slice(text.as_bytes());
        let sent = timeout(TEST_TIMEOUT, async {
            while self.backplane().send(to, payload.clone()).is_err() {
                tokio::task::yield_now().await;
            }
        });
        sent.await.expect("cannot send");
    }
}

/// Joins three peers that see each other.
pub(super) async fn three(ground: &Ground) -> [TestPeer; 3] {
    let peers = ["a", "b", "c"].map(|id| TestPeer::join(ground, id));
    for peer in &peers {
        peer.wait_for_members(3).await;
    }
    peers
}

/// Sends a request from `from` to `to` and responds to it. The broker has then processed
/// what both did before.
pub(super) async fn round_trip(from: &TestPeer, to: &mut TestPeer) {
    let answer = from.request(&to.id, "");
    let (_, reply_to, _) = to.next_request().await;
    to.reply(&reply_to, "");
    answer.await.unwrap();
}

pub(super) fn topic() -> Topic {
    "t".parse().unwrap()
}

/// A peer that can be paused, as SIGSTOP pauses a process.
///
/// The peer has a runtime of its own. While that is not driven, its connections stay open
/// and it reads, sends and times nothing.
pub(super) struct Pausable {
    pub(super) peer: TestPeer,
    runtime: Option<Arc<Runtime>>,
    pause: Arc<Notify>,
    driver: Option<thread::JoinHandle<()>>,
}

impl Pausable {
    pub(super) fn join(ground: &Ground, id: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let peer = {
            // `join` spawns the task of the connections on the current runtime.
            let _inside = runtime.enter();
            TestPeer::join(ground, id)
        };
        let mut pausable = Self {
            peer,
            runtime: Some(Arc::new(runtime)),
            pause: Arc::default(),
            driver: None,
        };
        pausable.resume();
        pausable
    }

    pub(super) fn pause(&mut self) {
        self.pause.notify_one();
        if let Some(driver) = self.driver.take() {
            driver.join().unwrap();
        }
    }

    pub(super) fn resume(&mut self) {
        let (runtime, pause) = (self.runtime.clone().unwrap(), Arc::clone(&self.pause));
        self.driver = Some(thread::spawn(move || runtime.block_on(pause.notified())));
    }
}

impl Drop for Pausable {
    fn drop(&mut self) {
        self.pause();
        if let Some(runtime) = self.runtime.take().and_then(Arc::into_inner) {
            // Dropping a runtime inside another one panics.
            runtime.shutdown_background();
        }
    }
}
