//! Follows the members: lays the slots out again with each view and registers
//! devices whose slot moved at their new home.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    directory_client::{BATCH, CONFIRM, register_here, take_back},
    message::{Answer, Question, Verdict, decode, encode},
    slots::{SLOTS, SlotTable, slot},
};
use crate::{backplane::View, id::NodeId, node::Node, session::Session};

/// Between two attempts while the others have not seen the view yet.
const RETRY: Duration = Duration::from_millis(25);
/// Batches under way at once: a home must not be flooded.
const CONCURRENT: usize = 4;

/// Runs as long as the node.
pub(crate) async fn run(node: Arc<Node>) {
    let mut views = node.cluster.backplane.view();
    // Slots whose entries are not where they should be. A slot stays in here until
    // a whole round has succeeded, however many views pass meanwhile.
    let mut dirty = vec![true; SLOTS];
    loop {
        let view = views.borrow_and_update().clone();
        let before = node.cluster.table();
        let table = Arc::new(SlotTable::new(view));
        mark(&mut dirty, &before, &table, &node.cluster.me);
        node.cluster.adopt(Arc::clone(&table));
        tokio::select! {
            changed = changed(&mut views, table.view.version) => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sync(&node, &table, &dirty) => dirty.fill(false),
        }
        if changed(&mut views, table.view.version).await.is_err() {
            return;
        }
    }
}

/// Waits for members that are others than those of `version`; that the connection
/// broke does not change them.
async fn changed(
    views: &mut watch::Receiver<Arc<View>>,
    version: u64,
) -> Result<(), watch::error::RecvError> {
    views
        .wait_for(|view| view.version != version)
        .await
        .map(|_| ())
}

fn mark(dirty: &mut [bool], before: &SlotTable, after: &SlotTable, me: &NodeId) {
    let joined = |table: &SlotTable| table.view.member(me).map(|member| member.joined);
    // A home may have dropped and taken back a slot in a view that this node has
    // missed, and has dropped everything of a node that was away.
    let missed = after.view.version > before.view.version + 1;
    if missed || joined(before) != joined(after) {
        dirty.fill(true);
        return;
    }
    for (slot, dirty) in dirty.iter_mut().enumerate() {
        *dirty |= after.moved(before, slot);
    }
}

/// Registers every device of a dirty slot, then tells all members that it is done.
async fn sync(node: &Arc<Node>, table: &SlotTable, dirty: &[bool]) {
    let mut by_home: BTreeMap<NodeId, Vec<Arc<Session>>> = BTreeMap::new();
    node.registry.for_each(|session| {
        if dirty[slot(&session.device)]
            && let Some(home) = table.home(&session.device)
        {
            by_home
                .entry(home.id.clone())
                .or_default()
                .push(Arc::clone(session));
        }
    });
    let batches = by_home.into_iter().flat_map(|(home, sessions)| {
        let batches: Vec<_> = sessions.chunks(BATCH).map(<[_]>::to_vec).collect();
        batches.into_iter().map(move |batch| (home.clone(), batch))
    });
    stream::iter(batches)
        .for_each_concurrent(CONCURRENT, |(home, batch)| register(node, home, batch))
        .await;
    announce(node, table).await;
}

/// Registers one batch at its home, however often it takes.
async fn register(node: &Arc<Node>, home: NodeId, mut batch: Vec<Arc<Session>>) {
    loop {
        let verdicts = match home == node.cluster.me {
            true => Some(register_all_here(node, &batch)),
            false => ask(node, &home, &batch).await,
        };
        if let Some(verdicts) = verdicts {
            let mut verdicts = verdicts.into_iter();
            batch.retain(|session| settle(node, session, verdicts.next()));
        }
        if batch.is_empty() {
            return;
        }
        sleep(RETRY).await;
    }
}

fn register_all_here(node: &Node, batch: &[Arc<Session>]) -> Vec<Verdict> {
    let me = &node.cluster.me;
    batch
        .iter()
        .map(|session| register_here(node, me, &session.device, session.epoch()))
        .collect()
}

async fn ask(node: &Node, home: &NodeId, batch: &[Arc<Session>]) -> Option<Vec<Verdict>> {
    let entries = batch
        .iter()
        .map(|session| (session.device.clone(), session.epoch()))
        .collect();
    let question = encode(&Question::Register(entries));
    let deadline = Instant::now() + CONFIRM;
    let answer = node
        .cluster
        .backplane
        .request(home, question, deadline)
        .await
        .ok()?;
    match decode(&answer)? {
        Answer::Registered(verdicts) => Some(verdicts),
        _ => None,
    }
}

/// Whether the session must be tried again.
fn settle(node: &Node, session: &Arc<Session>, verdict: Option<Verdict>) -> bool {
    match verdict {
        Some(Verdict::Accepted(epoch)) => {
            session.set_epoch(epoch);
            if !node.registry.holds(session) {
                take_back(node, session, epoch);
            }
            false
        }
        Some(Verdict::Superseded) => {
            if let Some(epoch) = session.epoch() {
                session.superseded(epoch);
            }
            false
        }
        Some(Verdict::NotHome) | None => node.registry.holds(session),
    }
}

async fn announce(node: &Arc<Node>, table: &SlotTable) {
    let version = table.view.version;
    node.cluster.home().synced(&node.cluster.me, version);
    let others: Vec<NodeId> = table
        .view
        .nodes()
        .map(|member| member.id.clone())
        .filter(|id| *id != node.cluster.me)
        .collect();
    stream::iter(others)
        .for_each_concurrent(None, |other| async move {
            loop {
                let question = encode(&Question::Synced(version));
                let deadline = Instant::now() + CONFIRM;
                if node
                    .cluster
                    .backplane
                    .request(&other, question, deadline)
                    .await
                    .is_ok()
                {
                    return;
                }
                sleep(RETRY).await;
            }
        })
        .await;
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        NodeConfig,
        backplane::{BackplaneConfig, Identity, Role, join},
        cluster::{Cluster, message::Located},
        id::DeviceId,
        ingest::Intake,
        ws::close::CloseReason,
    };

    /// A cluster of one, home of every device.
    fn node() -> Node {
        let config = NodeConfig::new("me".parse().unwrap());
        let identity = Identity {
            id: config.id.clone(),
            boot: 1,
            address: None,
            role: Role::Node,
        };
        let stop = CancellationToken::new();
        let alone = join(&BackplaneConfig::at(None), identity, stop.clone());
        let (cluster, _) = Cluster::new(config.id.clone(), alone.backplane);
        let (intake, _) = Intake::new(&config.limits);
        Node::new(config, cluster, intake, stop)
    }

    fn is_known(node: &Node, device: &DeviceId) -> bool {
        matches!(node.cluster.home().locate(device), Located::At { .. })
    }

    #[tokio::test]
    async fn an_entry_of_a_connection_that_ended_is_for_the_one_that_is_here() {
        let node = node();
        let device: DeviceId = "d".parse().unwrap();
        let session = || Arc::new(Session::new(device.clone(), 1));
        let (old, new) = (session(), session());
        let me = &node.cluster.me;
        let register = || register_here(&node, me, &device, None);
        // The old one was in a batch when the new one came and was quicker.
        node.registry.insert(&old);
        node.registry.insert(&new);
        assert!(!settle(&node, &new, Some(register())));
        assert!(!settle(&node, &old, Some(register())));
        assert!(is_known(&node, &device), "connected, and nobody finds it");
        node.forget(&new, CloseReason::Lost);
        assert!(!is_known(&node, &device), "left behind");
        // Without another one it is taken back.
        assert!(!settle(&node, &old, Some(register())));
        assert!(!is_known(&node, &device), "left behind");
    }
}
