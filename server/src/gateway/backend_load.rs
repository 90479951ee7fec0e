//! The load of one incarnation of a node, as one gateway knows it.
//!
//! The node's own report is the base, because other gateways send it sockets too. The gateway
//! adds its assignments and subtracts its closed sockets since that report, because many
//! sockets
//! arrive between two reports. A guard counts in the account that it was taken from: guards of
//! an
//! ended incarnation count for no node.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::config::LoadMetric;
use crate::message::LoadReport;

/// Shared by the fleet and the leases.
#[derive(Debug, Default)]
pub(super) struct BackendLoad(Mutex<LoadSnapshot>);

/// The figures of an account at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LoadSnapshot {
    /// Assigned by this gateway, without the node's answer yet.
    pub(super) pending: u64,
    /// Assigned by this gateway, and open.
    pub(super) active: u64,
    /// Requests of this gateway under way.
    pub(super) requests: u64,
    last_report: Option<LastReport>,
}

/// The latest report of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LastReport {
    sockets: u64,
    reported_load: Option<f64>,
    /// This gateway's own established sockets at that moment: the node has counted
    /// them.
    active_at_report: u64,
}

/// A socket, on its way to a node or open. Dropping it takes it off the account.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    load: Arc<BackendLoad>,
    is_active: bool,
}

/// A request under way. Dropping it takes it off the account.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<BackendLoad>);

impl BackendLoad {
    /// One more socket is on its way there.
    pub(super) fn start_connection(self: &Arc<Self>) -> ConnectionGuard {
        self.lock().pending += 1;
        ConnectionGuard {
            load: Arc::clone(self),
            is_active: false,
        }
    }

    /// One more request is on its way there.
    pub(super) fn start_request(self: &Arc<Self>) -> RequestGuard {
        self.lock().requests += 1;
        RequestGuard(Arc::clone(self))
    }

    /// The node says what it carries.
    pub(super) fn record_report(&self, report: &LoadReport) {
        let mut counts = self.lock();
        counts.last_report = Some(LastReport {
            sockets: report.sockets,
            // The value comes from another process: one that is not a valid load is ignored.
            reported_load: report
                .reported_load
                .filter(|own| own.is_finite() && *own >= 0.0),
            active_at_report: counts.active,
        });
    }

    pub(super) fn snapshot(&self) -> LoadSnapshot {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, LoadSnapshot> {
        self.0.lock()
    }
}

impl LoadSnapshot {
    /// Adds what this gateway has at another life of the node.
    pub(super) fn add(&mut self, other: &Self) {
        self.pending += other.pending;
        self.active += other.active;
        self.requests += other.requests;
    }

    /// Returns the sockets in the node's latest report.
    pub(super) fn reported_sockets(&self) -> Option<u64> {
        self.last_report.map(|report| report.sockets)
    }

    /// The load of its own making that it said last.
    pub(super) fn reported_load(&self) -> Option<f64> {
        self.last_report.and_then(|report| report.reported_load)
    }

    /// Sockets, established and on their way, by all that is known.
    pub(super) fn sockets(&self) -> u64 {
        let here = self.pending + self.active;
        match self.last_report {
            None => here,
            Some(report) => report
                .sockets
                .saturating_add(here)
                .saturating_sub(report.active_at_report),
        }
    }

    /// Returns the load that the policy compares. `None` if the node does not report the
    /// measure.
    pub(super) fn load(&self, measure: LoadMetric) -> Option<f64> {
        match measure {
            LoadMetric::Sockets => Some(self.sockets() as f64),
            LoadMetric::Custom => {
                let report = self.last_report?;
                // A socket more costs what one costs there on the average, or the
                // node with the smallest load would get all until its next report.
                let grown = (self.sockets() as f64 + 1.0) / (report.sockets as f64 + 1.0);
                Some(report.reported_load? * grown)
            }
        }
    }
}

impl ConnectionGuard {
    /// The socket is open.
    pub(super) fn mark_active(&mut self) {
        if !std::mem::replace(&mut self.is_active, true) {
            let mut counts = self.load.lock();
            counts.pending -= 1;
            counts.active += 1;
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut counts = self.load.lock();
        match self.is_active {
            true => counts.active -= 1,
            false => counts.pending -= 1,
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.lock().requests -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(sockets: u64, own: Option<f64>) -> LoadReport {
        LoadReport {
            incarnation: 1,
            sockets,
            reported_load: own,
            accepts_sockets: true,
        }
    }

    #[test]
    fn what_was_assigned_since_the_report_is_added() {
        let account = Arc::new(BackendLoad::default());
        let mut first = account.start_connection();
        assert_eq!(account.snapshot().sockets(), 1);
        first.mark_active();
        // The node has counted it, and 99 of other gateways.
        account.record_report(&report(100, None));
        assert_eq!(account.snapshot().sockets(), 100);
        let second = account.start_connection();
        assert_eq!(account.snapshot().sockets(), 101);
        drop(first);
        assert_eq!(account.snapshot().sockets(), 100);
        drop(second);
        assert_eq!(account.snapshot().sockets(), 99);
    }

    #[test]
    fn a_load_of_its_own_grows_with_what_is_assigned() {
        let account = Arc::new(BackendLoad::default());
        let load = || account.snapshot().load(LoadMetric::Custom);
        assert_eq!(load(), None);
        account.record_report(&report(9, Some(50.0)));
        assert_eq!(load(), Some(50.0));
        let _leases: Vec<_> = (0..5).map(|_| account.start_connection()).collect();
        assert_eq!(load(), Some(75.0));
        for none in [None, Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            account.record_report(&report(9, none));
            assert_eq!(load(), None);
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
        /// Against a list of leases: the counts are theirs, and nothing is ever taken
        /// off twice.
        #[test]
        fn an_account_is_the_sum_of_its_leases(steps in steps()) {
            let account = Arc::new(BackendLoad::default());
            let mut leases: Vec<(ConnectionGuard, bool)> = Vec::new();
            for step in steps {
                match step {
                    GuardStep::Assign => leases.push((account.start_connection(), false)),
                    GuardStep::MarkActive(at) => {
                        if let Some((lease, established)) = leases.get_mut(at) {
                            lease.mark_active();
                            *established = true;
                        }
                    }
                    GuardStep::Drop(at) => {
                        if at < leases.len() {
                            leases.swap_remove(at);
                        }
                    }
                    GuardStep::Report(sockets) => {
                        account.record_report(&report(sockets, None));
                        let handshaking = account.snapshot().pending;
                        prop_assert_eq!(account.snapshot().sockets(), sockets + handshaking);
                    }
                }
                let counts = account.snapshot();
                let established = leases.iter().filter(|(_, established)| *established).count();
                prop_assert_eq!(counts.active, established as u64);
                prop_assert_eq!(counts.pending, (leases.len() - established) as u64);
            }
            leases.clear();
            let counts = account.snapshot();
            prop_assert_eq!((counts.pending, counts.active), (0, 0));
        }
    }
}
