//! Messages that nodes sent over the backplane, and that its broker received.

use highwater_scenarios::plan::TELEMETRY_BROKER_NAME;

use super::{
    CountPair,
    counts::{incomplete_reason, incomplete_reason_of, processes_once_up, recent_growth},
};
use crate::{
    analysis::{run_window::RunWindow, source_series::SourceSeries},
    record::{SourceRole, names::gauge},
};

/// Other things in a broker's count. A surplus therefore proves nothing; a deficit does.
const ALSO_COUNTED: &str = "the broker also counts telemetry, requests of client libraries and \
                            other users";

/// Returns the pair; `None` where there is no broker.
pub(super) fn pair(window: &RunWindow) -> Option<CountPair> {
    let mut brokers = window.sources.with_role(SourceRole::Broker);
    brokers.find(|(id, _)| is_backplane(id))?;
    let sent = growth_since_first(window, SourceRole::Node, gauge::BACKPLANE_SENT);
    let of_kind = |name| growth_since_first(window, SourceRole::Node, name).unwrap_or(0);
    let between_nodes = of_kind(gauge::UNICASTS_SENT) + of_kind(gauge::TOPICS_SENT);
    // Nodes count subscriptions as well, which are no messages to a broker.
    let control = sent.unwrap_or(0).saturating_sub(between_nodes);
    let pair = CountPair::new(
        "messages through the broker",
        ("nodes sent", sent),
        (
            "the broker received",
            growth_since_first(window, SourceRole::Broker, gauge::BROKER_PUBLISHED),
        ),
        // Messages sent just before the broker was sampled may not be in its count.
        control + recent_growth(window, SourceRole::Node, gauge::BACKPLANE_SENT),
    );
    let incomplete =
        incomplete_reason(window).or_else(|| incomplete_reason_of(window, SourceRole::Broker));
    Some(CountPair {
        also_counted: Some(ALSO_COUNTED),
        ..pair.with_incomplete(incomplete.as_deref())
    })
}

/// Returns how much a count grew since its first sample; `None` when a process of the role
/// never reports it.
fn growth_since_first(window: &RunWindow, role: SourceRole, name: &str) -> Option<u64> {
    // A broker may have run before the cluster, so its first sample is the baseline.
    let growth = |series: &SourceSeries| series.growth(name, 0.0..f64::INFINITY);
    let total: f64 = processes_once_up(window, role)
        .filter(|(id, _)| role != SourceRole::Broker || is_backplane(id))
        .map(|(_, series)| growth(series))
        .sum::<Option<_>>()?;
    Some(total as u64)
}

/// Whether the broker joins the nodes. Another one carries telemetry alone.
fn is_backplane(id: &str) -> bool {
    id != TELEMETRY_BROKER_NAME
}
