//! Messages that devices send over their own sockets, and their answers.

use highwater_types::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::names::{counter, latency};

/// The summary's `exchanges`: counts over the whole run, times over the steady phase.
///
/// `due = no_device + dropped + sent`, and
/// `sent = answered + rejected + timed_out + lost + one_way`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct ExchangeSummary {
    pub due: u64,
    pub dropped: u64,
    pub no_device: u64,
    pub sent: u64,
    pub answered: u64,
    pub rejected: u64,
    pub timed_out: u64,
    pub lost: u64,
    pub one_way: u64,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
}

/// Computes the section; `None` when the scenario has no `[[messages]]`.
pub(super) fn exchanges(window: &RunWindow) -> Option<ExchangeSummary> {
    if window.record.manifest.plan.messages.is_empty() {
        return None;
    }
    let mut exchanges = ExchangeSummary {
        due: window.counter_total(counter::EXCHANGES_DUE),
        dropped: window.counter_total(counter::EXCHANGES_DROPPED),
        no_device: window.counter_total(counter::EXCHANGES_NO_DEVICE),
        sent: window.counter_total(counter::EXCHANGES_SENT),
        answered: window.counter_total(counter::EXCHANGES_ANSWERED),
        rejected: window.counter_total(counter::EXCHANGES_REJECTED),
        timed_out: window.counter_total(counter::EXCHANGES_TIMED_OUT),
        lost: window.counter_total(counter::EXCHANGES_LOST),
        one_way: window.counter_total(counter::EXCHANGES_ONE_WAY),
        response_ms: window.distribution_of(latency::EXCHANGE_RESPONSE),
        service_ms: window.distribution_of(latency::EXCHANGE_SERVICE),
    };
    // A worker that died took the outcomes of its messages along, as its sockets did.
    let unknown = exchanges.sent.saturating_sub(exchanges.outcomes());
    exchanges.lost += unknown;
    Some(exchanges)
}

/// Returns reasons to doubt the section, in words.
pub(super) fn problems(exchanges: &ExchangeSummary) -> Vec<String> {
    let mut problems = Vec::new();
    let outcomes = exchanges.outcomes();
    if outcomes > exchanges.sent {
        problems.push(format!(
            "messages of devices do not add up: {} sent, {} outcomes",
            format::count(exchanges.sent),
            format::count(outcomes)
        ));
    }
    if exchanges.no_device > 0 {
        problems.push(format!(
            "{} of {} messages due were not sent, because no device of their pool was connected",
            format::count(exchanges.no_device),
            format::count(exchanges.due)
        ));
    }
    problems
}

impl ExchangeSummary {
    /// The number of messages sent whose outcome is known.
    fn outcomes(&self) -> u64 {
        self.answered + self.rejected + self.timed_out + self.lost + self.one_way
    }
}
