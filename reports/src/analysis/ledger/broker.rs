//! What nodes put on the backplane, and what its broker says that it was given.
//!
//! A broker counts everybody's messages, its own protocol's among them: that it has
//! more than the nodes sent proves nothing, that it has less does.

use super::{Pair, doubt, doubt_of, lately, processes, side};
use crate::{
    analysis::{run_window::Cut, source_series::Track},
    record::{Role, names::gauge},
};

/// What else is in a broker's count.
const OTHERS: &str = "the broker counts readings, requests of client libraries and whoever \
                      else uses it as well";

/// `None` where there is no broker.
pub(super) fn pair(cut: &Cut) -> Option<Pair> {
    cut.tracks.of(Role::Broker).next()?;
    let sent = grown(cut, Role::Node, gauge::BACKPLANE_SENT);
    let of_kind = |name| grown(cut, Role::Node, name).unwrap_or(0);
    let between_nodes = of_kind(gauge::UNICASTS_SENT) + of_kind(gauge::TOPICS_SENT);
    // Subscriptions among them, which are no messages to a broker.
    let control = sent.unwrap_or(0).saturating_sub(between_nodes);
    let pair = Pair::new(
        "messages through the broker",
        side("nodes sent", sent),
        side(
            "the broker was given",
            grown(cut, Role::Broker, gauge::BROKER_PUBLISHED),
        ),
        control + lately(cut, Role::Node, gauge::BACKPLANE_SENT),
    );
    let doubt = doubt(cut).or_else(|| doubt_of(cut, Role::Broker));
    Some(Pair {
        others: Some(OTHERS),
        ..pair.with_doubt(doubt.as_deref())
    })
}

/// How much a count has grown since it was first seen: the broker was there before.
/// `None` when a process of the role never shows it.
fn grown(cut: &Cut, role: Role, name: &str) -> Option<u64> {
    let growth = |track: &Track| track.growth(name, 0.0..f64::INFINITY);
    let grown: f64 = processes(cut, role)
        .map(|(_, track)| growth(track))
        .sum::<Option<_>>()?;
    Some(grown as u64)
}
