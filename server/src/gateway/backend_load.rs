//! What one life of a node carries, as one gateway knows it: the node's own count,
//! and what this gateway has done since.
//!
//! The node's word is the truth, since other gateways send it sockets too; what
//! this gateway has assigned and taken back since the last report is added, since
//! many arrive between two of them. A lease counts as long as it is held, in the
//! account that it was taken from: that of a life that is over counts for nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config::LoadMeasure;
use crate::cluster::message::LoadReport;

/// Shared by the fleet and the leases.
#[derive(Debug, Default)]
pub(super) struct Account(Mutex<Counts>);

/// The figures of an account at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    /// Assigned by this gateway, without the node's answer yet.
    pub(super) handshaking: u64,
    /// Assigned by this gateway, and open.
    pub(super) established: u64,
    /// Requests of this gateway under way.
    pub(super) requests: u64,
    report: Option<Reported>,
}

/// What the node said last.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reported {
    sockets: u64,
    own: Option<f64>,
    /// This gateway's own established sockets at that moment: the node has counted
    /// them.
    counted: u64,
}

/// A socket, on its way to a node or open. Dropping it takes it off the account.
#[derive(Debug)]
pub(super) struct SocketLease {
    account: Arc<Account>,
    established: bool,
}

/// A request under way. Dropping it takes it off the account.
#[derive(Debug)]
pub(super) struct RequestLease(Arc<Account>);

impl Account {
    /// One more socket is on its way there.
    pub(super) fn assign(self: &Arc<Self>) -> SocketLease {
        self.lock().handshaking += 1;
        SocketLease {
            account: Arc::clone(self),
            established: false,
        }
    }

    /// One more request is on its way there.
    pub(super) fn request(self: &Arc<Self>) -> RequestLease {
        self.lock().requests += 1;
        RequestLease(Arc::clone(self))
    }

    /// The node says what it carries.
    pub(super) fn report(&self, report: &LoadReport) {
        let mut counts = self.lock();
        counts.report = Some(Reported {
            sockets: report.sockets,
            // From another process: what is no load is none.
            own: report.own.filter(|own| own.is_finite() && *own >= 0.0),
            counted: counts.established,
        });
    }

    pub(super) fn counts(&self) -> Counts {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Adds what this gateway has at another life of the node.
    pub(super) fn add(&mut self, other: &Self) {
        self.handshaking += other.handshaking;
        self.established += other.established;
        self.requests += other.requests;
    }

    /// What the node said last that it has.
    pub(super) fn reported_sockets(&self) -> Option<u64> {
        self.report.map(|report| report.sockets)
    }

    /// The load of its own making that it said last.
    pub(super) fn reported_own(&self) -> Option<f64> {
        self.report.and_then(|report| report.own)
    }

    /// Sockets, established and on their way, by all that is known.
    pub(super) fn sockets(&self) -> u64 {
        let here = self.handshaking + self.established;
        match self.report {
            None => here,
            Some(report) => report
                .sockets
                .saturating_add(here)
                .saturating_sub(report.counted),
        }
    }

    /// What the policy goes by; `None` for a measure that the node does not give.
    pub(super) fn load(&self, measure: LoadMeasure) -> Option<f64> {
        match measure {
            LoadMeasure::Sockets => Some(self.sockets() as f64),
            LoadMeasure::Custom => {
                let report = self.report?;
                // A socket more costs what one costs there on the average, or the
                // node with the smallest load would get all until its next report.
                let grown = (self.sockets() as f64 + 1.0) / (report.sockets as f64 + 1.0);
                Some(report.own? * grown)
            }
        }
    }
}

impl SocketLease {
    /// The socket is open.
    pub(super) fn establish(&mut self) {
        if !std::mem::replace(&mut self.established, true) {
            let mut counts = self.account.lock();
            counts.handshaking -= 1;
            counts.established += 1;
        }
    }
}

impl Drop for SocketLease {
    fn drop(&mut self) {
        let mut counts = self.account.lock();
        match self.established {
            true => counts.established -= 1,
            false => counts.handshaking -= 1,
        }
    }
}

impl Drop for RequestLease {
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
            epoch: 1,
            sockets,
            own,
            accepts: true,
        }
    }

    #[test]
    fn what_was_assigned_since_the_report_is_added() {
        let account = Arc::new(Account::default());
        let mut first = account.assign();
        assert_eq!(account.counts().sockets(), 1);
        first.establish();
        // The node has counted it, and 99 of other gateways.
        account.report(&report(100, None));
        assert_eq!(account.counts().sockets(), 100);
        let second = account.assign();
        assert_eq!(account.counts().sockets(), 101);
        drop(first);
        assert_eq!(account.counts().sockets(), 100);
        drop(second);
        assert_eq!(account.counts().sockets(), 99);
    }

    #[test]
    fn a_load_of_its_own_grows_with_what_is_assigned() {
        let account = Arc::new(Account::default());
        let load = || account.counts().load(LoadMeasure::Custom);
        assert_eq!(load(), None);
        account.report(&report(9, Some(50.0)));
        assert_eq!(load(), Some(50.0));
        let _leases: Vec<_> = (0..5).map(|_| account.assign()).collect();
        assert_eq!(load(), Some(75.0));
        for none in [None, Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            account.report(&report(9, none));
            assert_eq!(load(), None);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Assign,
        Establish(usize),
        Drop(usize),
        Report(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            Just(Step::Assign),
            (0..20usize).prop_map(Step::Establish),
            (0..20usize).prop_map(Step::Drop),
            (0..1000u64).prop_map(Step::Report),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// Against a list of leases: the counts are theirs, and nothing is ever taken
        /// off twice.
        #[test]
        fn an_account_is_the_sum_of_its_leases(steps in steps()) {
            let account = Arc::new(Account::default());
            let mut leases: Vec<(SocketLease, bool)> = Vec::new();
            for step in steps {
                match step {
                    Step::Assign => leases.push((account.assign(), false)),
                    Step::Establish(at) => {
                        if let Some((lease, established)) = leases.get_mut(at) {
                            lease.establish();
                            *established = true;
                        }
                    }
                    Step::Drop(at) => {
                        if at < leases.len() {
                            leases.swap_remove(at);
                        }
                    }
                    Step::Report(sockets) => {
                        account.report(&report(sockets, None));
                        let handshaking = account.counts().handshaking;
                        prop_assert_eq!(account.counts().sockets(), sockets + handshaking);
                    }
                }
                let counts = account.counts();
                let established = leases.iter().filter(|(_, established)| *established).count();
                prop_assert_eq!(counts.established, established as u64);
                prop_assert_eq!(counts.handshaking, (leases.len() - established) as u64);
            }
            leases.clear();
            let counts = account.counts();
            prop_assert_eq!((counts.handshaking, counts.established), (0, 0));
        }
    }
}
