//! The task that keeps queues and subscribers in step with the view.

use std::sync::Arc;

use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use super::broker::Queues;
use crate::{backplane::View, cluster::slots::SlotOwner, id::NodeId};

/// The interval of announcements, and with them the time in which a lost one heals.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(5);
/// The age at which an announcement counts for nothing.
const STALE_AFTER: Duration = Duration::from_secs(30);
/// The interval of checks.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Keeps queues and subscribers in step with the view.
pub(crate) async fn run(queues: Arc<Queues>) {
    let mut table = queues.table.clone();
    let mut seen = Arc::clone(&table.borrow_and_update().view);
    let mut checks = interval(CHECK_EVERY);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut announced_at = Instant::now();
    let mut has_foreign = false;
    loop {
        tokio::select! {
            // The node holds the other end, and ends after this task.
            _ = table.changed() => {
                let view = Arc::clone(&table.borrow_and_update().view);
                forget_departed(&queues, &seen, &view);
                seen = view;
                has_foreign = true;
                announced_at = Instant::now();
                queues.announce_all();
            }
            _ = checks.tick() => queues.expire(),
        }
        if announced_at.elapsed() >= ANNOUNCE_EVERY {
            announced_at = Instant::now();
            queues.announce_all();
        }
        if has_foreign {
            queues.move_foreign().await;
            // What another node did not take is tried again with the next check.
            let owns = |name: &Arc<str>| queues.owner(name) == SlotOwner::Local;
            has_foreign = !queues.store.lock().waiting_names().iter().all(owns);
        }
    }
}

/// Forgets subscribers of nodes that left, or that lost their connection and returned.
fn forget_departed(queues: &Queues, before: &View, after: &View) {
    let generation = |view: &View, id: &NodeId| view.member(id).map(|member| member.generation);
    for member in before.nodes().filter(|member| member.id != queues.me) {
        if generation(after, &member.id) != Some(member.generation) {
            queues.store.lock().remove_node(&member.id);
        }
    }
}

impl Queues {
    fn expire(&self) {
        let now = Instant::now();
        let expired = self.store.lock().expire(now, STALE_AFTER, &self.limits);
        self.metrics.dropped_expired.inc_by(expired as u64);
    }
}
