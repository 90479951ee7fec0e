//! Telling gateways how much this node carries.
//!
//! Every gateway of the view is told when the figures change, at most four times a
//! second, and once a second in any case. A node without gateways tells nobody.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Node, NodePhase};
use crate::{
    backplane::View,
    id::NodeId,
    message::{ClusterNotification, LoadReport, encode},
};

/// Between two looks at the figures: what several gateways do not know of each
/// other is what they assign in this time.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// A report that says nothing new follows the last one after this.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);

/// What this node carries now; `None` while it is no member.
pub(crate) fn load_report(node: &Node) -> Option<LoadReport> {
    let view = node.cluster.backplane.view().borrow().clone();
    let epoch = view.member(&node.cluster.me)?.incarnation;
    Some(LoadReport {
        incarnation: epoch,
        sockets: node.sessions.metrics.open_sockets(),
        reported_load: node.reported_load.current(),
        accepts_sockets: node.phase() == NodePhase::Serving,
    })
}

/// Runs as long as the node.
pub(super) async fn run(node: Arc<Node>) {
    let mut views = node.cluster.backplane.view();
    let mut looks = interval(POLL_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut schedule = ReportSchedule::default();
    loop {
        let targets = report_targets(&views.borrow_and_update());
        if targets.is_empty() {
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
            _ = looks.tick() => {}
        }
    }
}

/// A gateway in its present seat.
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
    let note = encode(&ClusterNotification::Load(report.clone()));
    for ReportTarget { gateway, .. } in targets {
        // Lost, the next one says the same or better.
        let _ = node.cluster.backplane.send(gateway, note.clone());
    }
}

/// When to tell again.
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
    /// Whether it is time for this report; if so, it counts as told.
    fn is_due(&mut self, report: &LoadReport, targets: &[ReportTarget], now: Instant) -> bool {
        let is_known = self.last.as_ref().is_some_and(|told| {
            told.report == *report && told.targets == targets && now - told.at < REPEAT_INTERVAL
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
    fn news_and_newcomers_are_told_at_once_and_the_rest_once_a_second() {
        let mut telling = ReportSchedule::default();
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let listener = |gateway: &str, joined| ReportTarget {
            gateway: gateway.parse().unwrap(),
            generation: joined,
        };
        let first = [listener("g1", 1)];
        let both = [listener("g1", 1), listener("g2", 2)];
        assert!(telling.is_due(&report(5), &first, start));
        assert!(!telling.is_due(&report(5), &first, after(999)));
        assert!(telling.is_due(&report(5), &first, after(1000)));
        assert!(telling.is_due(&report(6), &first, after(1001)));
        assert!(telling.is_due(&report(6), &both, after(1002)));
        assert!(!telling.is_due(&report(6), &both, after(1003)));
    }
}
