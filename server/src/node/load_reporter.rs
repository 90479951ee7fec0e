//! Load reports to gateways.
//!
//! Every gateway of the view gets a report when the load changes, at most four times a
//! second, and once a second in any case. Without gateways nothing is sent.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Node, NodePhase};
use crate::{
    backplane::View,
    id::NodeId,
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
        reported_load: node.reported_load.current(),
        accepts_sockets: node.phase() == NodePhase::Serving,
    })
}

/// Runs for as long as the node.
pub(super) async fn run(node: Arc<Node>) {
    let mut views = node.cluster.backplane.view();
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut schedule = ReportSchedule::default();
    loop {
        let targets = report_targets(&views.borrow_and_update());
        if targets.is_empty() {
            // Nothing to do until a gateway joins: no timer runs meanwhile.
            schedule = ReportSchedule::default();
            match views.changed().await {
                Ok(()) => continue,
                Err(_) => return,
            }
        }
        if let Some(report) = load_report(&node)
            && schedule.is_due(&report, &targets, Instant::now())
        {
            send_report(&node, &report, &targets);
        }
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            _ = ticks.tick() => {}
        }
    }
}

/// A gateway in one generation. A gateway that has rejoined knows no load yet.
#[derive(Clone, PartialEq)]
struct ReportTarget {
    gateway: NodeId,
    generation: u64,
}

fn report_targets(view: &View) -> Vec<ReportTarget> {
    view.gateways()
        .map(|gateway| ReportTarget {
            gateway: gateway.id.clone(),
            generation: gateway.generation,
        })
        .collect()
}

fn send_report(node: &Node, report: &LoadReport, targets: &[ReportTarget]) {
    let message = encode(&ClusterNotification::Load(report.clone()));
    for ReportTarget { gateway, .. } in targets {
        // If it is lost, the next report replaces it.
        let _ = node.cluster.backplane.send(gateway, message.clone());
    }
}

/// The last report, which decides when the next one is due.
#[derive(Default)]
struct ReportSchedule {
    last: Option<SentReport>,
}

struct SentReport {
    report: LoadReport,
    targets: Vec<ReportTarget>,
    at: Instant,
}

impl ReportSchedule {
    /// Returns whether this report is due. If so, it becomes the last one.
    fn is_due(&mut self, report: &LoadReport, targets: &[ReportTarget], now: Instant) -> bool {
        let is_known = self.last.as_ref().is_some_and(|last| {
            last.report == *report && last.targets == targets && now - last.at < REPEAT_INTERVAL
        });
        if is_known {
            return false;
        }
        self.last = Some(SentReport {
            report: report.clone(),
            targets: targets.to_vec(),
            at: now,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sockets: u64) -> LoadReport {
        LoadReport {
            incarnation: 1,
            sockets,
            reported_load: None,
            accepts_sockets: true,
        }
    }

    #[test]
    fn report_is_due_after_a_change_and_otherwise_once_a_second() {
        let mut schedule = ReportSchedule::default();
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let target = |gateway: &str, generation| ReportTarget {
            gateway: gateway.parse().unwrap(),
            generation,
        };
        let first = [target("g1", 1)];
        let both = [target("g1", 1), target("g2", 2)];
        assert!(schedule.is_due(&report(5), &first, start));
        assert!(!schedule.is_due(&report(5), &first, after(999)));
        assert!(schedule.is_due(&report(5), &first, after(1000)));
        assert!(schedule.is_due(&report(6), &first, after(1001)));
        assert!(schedule.is_due(&report(6), &both, after(1002)));
        assert!(!schedule.is_due(&report(6), &both, after(1003)));
    }
}
