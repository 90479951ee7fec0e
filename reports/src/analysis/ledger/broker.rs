//! What nodes put on the backplane, and what its broker says that it was given.
//!
//! A broker counts everybody's messages, its own protocol's among them: that it has
//! more than the nodes sent proves nothing, that it has less does.

use super::{
    CountPair, incomplete_reason, incomplete_reason_of, ledger_side, processes_once_up,
    recent_growth,
};
use crate::{
    analysis::{run_window::RunWindow, source_series::SourceSeries},
    record::{SourceRole, names::gauge},
};

/// What else is in a broker's count.
const ALSO_COUNTED: &str = "the broker counts telemetry records, requests of client libraries and whoever \
                      else uses it as well";

/// `None` where there is no broker.
pub(super) fn pair(cut: &RunWindow) -> Option<CountPair> {
    cut.series.with_role(SourceRole::Broker).next()?;
    let sent = growth_since_first(cut, SourceRole::Node, gauge::BACKPLANE_SENT);
    let of_kind = |name| growth_since_first(cut, SourceRole::Node, name).unwrap_or(0);
    let between_nodes = of_kind(gauge::UNICASTS_SENT) + of_kind(gauge::TOPICS_SENT);
    // Subscriptions among them, which are no messages to a broker.
    let control = sent.unwrap_or(0).saturating_sub(between_nodes);
    let pair = CountPair::new(
        "messages through the broker",
        ledger_side("nodes sent", sent),
        ledger_side(
            "the broker was given",
            growth_since_first(cut, SourceRole::Broker, gauge::BROKER_PUBLISHED),
        ),
        control + recent_growth(cut, SourceRole::Node, gauge::BACKPLANE_SENT),
    );
    let doubt = incomplete_reason(cut).or_else(|| incomplete_reason_of(cut, SourceRole::Broker));
    Some(CountPair {
        also_counted: Some(ALSO_COUNTED),
        ..pair.with_incomplete(doubt.as_deref())
    })
}

/// How much a count has grown since it was first seen: the broker was there before.
/// `None` when a process of the role never shows it.
fn growth_since_first(cut: &RunWindow, role: SourceRole, name: &str) -> Option<u64> {
    let growth = |track: &SourceSeries| track.growth(name, 0.0..f64::INFINITY);
    let grown: f64 = processes_once_up(cut, role)
        .map(|(_, track)| growth(track))
        .sum::<Option<_>>()?;
    Some(grown as u64)
}
