//! The load of one incarnation of a node, as one gateway knows it.
//!
//! The node's own report is the base, because other gateways send it sockets too. The gateway
//! adds its assignments and subtracts its closed sockets since that report, because many
//! sockets arrive between two reports. A guard counts in the load that it was taken from: guards
//! of an ended incarnation count for no node.

use std::sync::Arc;

use parking_lot::Mutex;

use super::config::LoadMetric;
use crate::message::LoadReport;

/// The load of one incarnation, which its backend and its guards share.
#[derive(Debug, Default)]
pub(super) struct BackendLoad(Mutex<LoadSnapshot>);

/// The counts of a backend at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LoadSnapshot {
    /// Sockets of this gateway that the node has not answered.
    pub(super) pending: u64,
    /// Open sockets of this gateway.
    pub(super) active: u64,
    /// Requests of this gateway under way.
    pub(super) requests: u64,
    pub(super) last_report: Option<LastReport>,
}

/// The latest report of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LastReport {
    pub(super) sockets: u64,
    pub(super) reported_load: Option<f64>,
    /// This gateway's active sockets at that moment, which the node has counted.
    active_at_report: u64,
}

/// A pending or active socket. Dropping it ends its count.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    load: Arc<BackendLoad>,
    is_active: bool,
}

/// A request under way. Dropping it ends its count.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<BackendLoad>);

impl BackendLoad {
    /// Counts a pending socket.
    pub(super) fn start_connection(self: &Arc<Self>) -> ConnectionGuard {
        self.0.lock().pending += 1;
        ConnectionGuard {
            load: Arc::clone(self),
            is_active: false,
        }
    }

    /// Counts a request.
    pub(super) fn start_request(self: &Arc<Self>) -> RequestGuard {
        self.0.lock().requests += 1;
        RequestGuard(Arc::clone(self))
    }

    /// Takes over the node's report.
    pub(super) fn record_report(&self, report: &LoadReport) {
        let mut counts = self.0.lock();
        counts.last_report = Some(LastReport {
            sockets: report.sockets,
            // The value comes from another process: one that is not a valid load is ignored.
            reported_load: report
                .reported_load
                .filter(|load| load.is_finite() && *load >= 0.0),
            active_at_report: counts.active,
        });
    }

    pub(super) fn snapshot(&self) -> LoadSnapshot {
        *self.0.lock()
    }
}

impl LoadSnapshot {
    /// Adds this gateway's counts at another incarnation of the node.
    pub(super) fn add(&mut self, other: &Self) {
        self.pending += other.pending;
        self.active += other.active;
        self.requests += other.requests;
    }

    /// Returns the node's active and pending sockets, as far as this gateway knows.
    pub(super) fn sockets(&self) -> u64 {
        let here = self.pending + self.active;
        match self.last_report {
            None => here,
            // Saturating, because the report comes from another process.
            Some(report) => report
                .sockets
                .saturating_add(here)
                .saturating_sub(report.active_at_report),
        }
    }

    /// Returns the load that the policy compares; `None` if the node does not report it.
    pub(super) fn load(&self, metric: LoadMetric) -> Option<f64> {
        match metric {
            LoadMetric::Sockets => Some(self.sockets() as f64),
            LoadMetric::Custom => {
                let report = self.last_report?;
                // Each new socket counts as the node's mean load per socket. Otherwise the node
                // with the smallest load would get all sockets until its next report.
                let grown = (self.sockets() as f64 + 1.0) / (report.sockets as f64 + 1.0);
                Some(report.reported_load? * grown)
            }
        }
    }
}

impl ConnectionGuard {
    /// Moves the socket from pending to active.
    pub(super) fn mark_active(&mut self) {
        if !std::mem::replace(&mut self.is_active, true) {
            let mut counts = self.load.0.lock();
            counts.pending -= 1;
            counts.active += 1;
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut counts = self.load.0.lock();
        match self.is_active {
            true => counts.active -= 1,
            false => counts.pending -= 1,
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.0.lock().requests -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(sockets: u64, reported_load: Option<f64>) -> LoadReport {
        LoadReport {
            incarnation: 1,
            sockets,
            reported_load,
            accepts_sockets: true,
        }
    }

    #[test]
    fn sockets_since_the_report_are_added() {
        let load = Arc::new(BackendLoad::default());
        let mut first = load.start_connection();
        assert_eq!(load.snapshot().sockets(), 1);
        first.mark_active();
        // The node has counted it, and 99 of other gateways.
        load.record_report(&report(100, None));
        assert_eq!(load.snapshot().sockets(), 100);
        let second = load.start_connection();
        assert_eq!(load.snapshot().sockets(), 101);
        drop(first);
        assert_eq!(load.snapshot().sockets(), 100);
        drop(second);
        assert_eq!(load.snapshot().sockets(), 99);
    }

    #[test]
    fn reported_load_grows_with_each_assigned_socket() {
        let load = Arc::new(BackendLoad::default());
        let custom = || load.snapshot().load(LoadMetric::Custom);
        assert_eq!(custom(), None);
        load.record_report(&report(9, Some(50.0)));
        assert_eq!(custom(), Some(50.0));
        let _guards: Vec<_> = (0..5).map(|_| load.start_connection()).collect();
        assert_eq!(custom(), Some(75.0));
        for invalid in [None, Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            load.record_report(&report(9, invalid));
            assert_eq!(custom(), None);
        }
    }

    #[derive(Debug, Clone)]
    enum GuardStep {
        Assign,
        MarkActive(usize),
        Drop(usize),
        Report(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<GuardStep>> {
        let step = prop_oneof![
            Just(GuardStep::Assign),
            (0..20usize).prop_map(GuardStep::MarkActive),
            (0..20usize).prop_map(GuardStep::Drop),
            (0..1000u64).prop_map(GuardStep::Report),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// The counts are those of a list of guards, and no guard ends its count twice.
        #[test]
        fn load_is_the_sum_of_its_guards(steps in steps()) {
            let load = Arc::new(BackendLoad::default());
            let mut guards: Vec<(ConnectionGuard, bool)> = Vec::new();
            for step in steps {
                match step {
                    GuardStep::Assign => guards.push((load.start_connection(), false)),
                    GuardStep::MarkActive(at) => {
                        if let Some((guard, is_active)) = guards.get_mut(at) {
                            guard.mark_active();
                            *is_active = true;
                        }
                    }
                    GuardStep::Drop(at) => {
                        if at < guards.len() {
                            guards.swap_remove(at);
                        }
                    }
                    GuardStep::Report(sockets) => {
                        load.record_report(&report(sockets, None));
                        let pending = load.snapshot().pending;
                        prop_assert_eq!(load.snapshot().sockets(), sockets + pending);
                    }
                }
                let counts = load.snapshot();
                let active = guards.iter().filter(|(_, is_active)| *is_active).count();
                prop_assert_eq!(counts.active, active as u64);
                prop_assert_eq!(counts.pending, (guards.len() - active) as u64);
            }
            guards.clear();
            let counts = load.snapshot();
            prop_assert_eq!((counts.pending, counts.active), (0, 0));
        }
    }
}
