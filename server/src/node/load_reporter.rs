//! Telling gateways how much this node carries.
//!
//! Every gateway of the view is told when the figures change, at most four times a
//! second, and once a second in any case. A node without gateways tells nobody.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Node, Phase};
use crate::{
    backplane::View,
    cluster::message::{LoadReport, Note, encode},
    id::NodeId,
};

/// Between two looks at the figures: what several gateways do not know of each
/// other is what they assign in this time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A report that says nothing new follows the last one after this.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// What this node carries now; `None` while it is no member.
pub(crate) fn load_report(node: &Node) -> Option<LoadReport> {
    let view = node.cluster.backplane.view().borrow().clone();
    let epoch = view.member(&node.cluster.me)?.boot;
    Some(LoadReport {
        epoch,
        sockets: u64::try_from(node.metrics.sockets.get()).unwrap_or(0),
        own: node.own_load(),
        accepts: node.phase() == Phase::Serving,
    })
}

/// Runs as long as the node.
pub(super) async fn run(node: Arc<Node>) {
    let mut views = node.cluster.backplane.view();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut telling = Telling::default();
    loop {
        let audience = audience(&views.borrow_and_update());
        if audience.is_empty() {
            telling = Telling::default();
            match views.changed().await {
                Ok(()) => continue,
                Err(_) => return,
            }
        }
        if let Some(report) = load_report(&node)
            && telling.is_due(&report, &audience, Instant::now())
        {
            tell(&node, &report, &audience);
        }
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            _ = looks.tick() => {}
        }
    }
}

/// A gateway in its present seat.
#[derive(Clone, PartialEq)]
struct Listener {
    gateway: NodeId,
    joined: u64,
}

fn audience(view: &View) -> Vec<Listener> {
    view.gateways()
        .map(|gateway| Listener {
            gateway: gateway.id.clone(),
            joined: gateway.joined,
        })
        .collect()
}

fn tell(node: &Node, report: &LoadReport, audience: &[Listener]) {
    let note = encode(&Note::Load(report.clone()));
    for Listener { gateway, .. } in audience {
        // Lost, the next one says the same or better.
        let _ = node.cluster.backplane.send(gateway, note.clone());
    }
}

/// When to tell again.
#[derive(Default)]
struct Telling {
    last: Option<Told>,
}

struct Told {
    report: LoadReport,
    audience: Vec<Listener>,
    at: Instant,
}

impl Telling {
    /// Whether it is time for this report; if so, it counts as told.
    fn is_due(&mut self, report: &LoadReport, audience: &[Listener], now: Instant) -> bool {
        let is_known = self.last.as_ref().is_some_and(|told| {
            told.report == *report && told.audience == audience && now - told.at < REPEAT_AFTER
        });
        if is_known {
            return false;
        }
        self.last = Some(Told {
            report: report.clone(),
            audience: audience.to_vec(),
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
            epoch: 1,
            sockets,
            own: None,
            accepts: true,
        }
    }

    #[test]
    fn news_and_newcomers_are_told_at_once_and_the_rest_once_a_second() {
        let mut telling = Telling::default();
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let listener = |gateway: &str, joined| Listener {
            gateway: gateway.parse().unwrap(),
            joined,
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
