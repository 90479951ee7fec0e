//! Load reports to gateways.
//!
//! Every gateway of the view gets a report when the load changes, at most four times a
//! second, and once a second in any case. Without gateways nothing is sent.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Node, NodePhase};
use crate::{
    backplane::Member,
    message::{ClusterNotification, LoadReport, encode},
};

/// Interval at which the load is polled. Within it, one gateway does not know which
/// sockets the others have assigned to this node.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Time after which a report is repeated although nothing has changed, in case that the
/// last one was lost.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the node's load; `None` while the node is not a member.
pub(super) fn load_report(node: &Node) -> Option<LoadReport> {
    let view = node.cluster.backplane.view().borrow().clone();
    let incarnation = view.member(&node.cluster.me)?.incarnation;
    Some(LoadReport {
        incarnation,
        sockets: node.sessions.metrics.open_sockets(),
        reported_load: node.reported_load.current(node.heap_bytes()),
        accepts_sockets: node.phase() == NodePhase::Serving,
    })
}

/// Runs for as long as the node.
pub(super) async fn run(node: Arc<Node>) {
    let mut views = node.cluster.backplane.view();
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<SentReport> = None;
    loop {
        let targets: Vec<Member> = views.borrow_and_update().gateways().cloned().collect();
        if targets.is_empty() {
            // Nothing to do until a gateway joins: no timer runs meanwhile.
            last = None;
            match views.changed().await {
                Ok(()) => continue,
                Err(_) => return,
            }
        }
        if let Some(report) = load_report(&node) {
            let next = SentReport {
                report,
                targets,
                at: Instant::now(),
            };
            if !last.as_ref().is_some_and(|last| last.covers(&next)) {
                send_report(&node, &next);
                last = Some(next);
            }
        }
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            _ = ticks.tick() => {}
        }
    }
}

fn send_report(node: &Node, next: &SentReport) {
    let message = encode(&ClusterNotification::Load(next.report.clone()));
    for gateway in &next.targets {
        // If it is lost, the next report replaces it.
        let _ = node.cluster.backplane.send(&gateway.id, message.clone());
    }
}

/// The last report, which decides when the next one is due.
struct SentReport {
    report: LoadReport,
    /// The gateways. A gateway that has rejoined has another generation, and knows no load yet.
    targets: Vec<Member>,
    at: Instant,
}

impl SentReport {
    /// Whether the gateways know the load of `next` from this report.
    fn covers(&self, next: &Self) -> bool {
        self.report == next.report
            && self.targets == next.targets
            && next.at - self.at < REPEAT_INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::MemberRole;

    #[test]
    fn report_is_due_after_a_change_and_otherwise_once_a_second() {
        let start = Instant::now();
        let report = |sockets, generations: &[u64], after_ms| SentReport {
            report: LoadReport {
                incarnation: 1,
                sockets,
                reported_load: None,
                accepts_sockets: true,
            },
            targets: generations
                .iter()
                .map(|generation| Member {
                    id: format!("g{generation}").parse().unwrap(),
                    incarnation: 1,
                    generation: *generation,
                    address: None,
                    role: MemberRole::Gateway,
                })
                .collect(),
            at: start + Duration::from_millis(after_ms),
        };
        let last = report(5, &[1], 0);
        assert!(last.covers(&report(5, &[1], 999)));
        assert!(!last.covers(&report(5, &[1], 1000)));
        assert!(!last.covers(&report(6, &[1], 1)));
        assert!(!last.covers(&report(5, &[1, 2], 1)));
    }
}
