//! What both ends counted, side by side: clients and nodes, and the two ends of
//! the backplane. A pair that differs by more than what is known to be unsure is a
//! problem of the run.
//!
//! Each pair says itself how far its counts may honestly differ: what a client
//! gave up on may have reached a node or not. Nodes that ended or began again took
//! their counts with them; then nothing is said rather than something wrong.

use highwater_scenarios::plan::{PublishLoad, System};

use super::{cut::Cut, tracks::Track};
use crate::{
    human,
    record::{
        Occurrence, Role,
        names::{counter, gauge},
    },
    summary::{Agreement, LedgerLine, LedgerSide, Summary},
};

/// Frames that may wait for one socket at a reference node; what waits when it is
/// lost never comes.
const OUTBOX_FRAMES: u64 = 256;
/// Nodes are asked one after the other: what went through the backplane in this
/// time may be counted at one end only.
const ASKED_WITHIN_S: f64 = 2.0;

/// A count of the clients that has its like at the nodes.
struct Pair {
    what: &'static str,
    clients: (&'static str, u64),
    nodes: (&'static str, &'static str),
    /// How far the counts may differ, and why.
    unsure: u64,
}

/// The ledger's lines; none where the nodes say nothing.
pub(super) fn ledger(cut: &Cut, summary: &Summary) -> Vec<LedgerLine> {
    let doubt = doubt(cut);
    let mut lines: Vec<LedgerLine> = pairs(cut, summary)
        .into_iter()
        .filter_map(|pair| {
            let nodes = total(cut, pair.nodes.1)?;
            let (left, right) = (
                side(pair.clients.0, pair.clients.1),
                side(pair.nodes.0, nodes),
            );
            Some(line(pair.what, left, right, pair.unsure, doubt.as_deref()))
        })
        .collect();
    lines.extend(backplane(cut, doubt.as_deref()));
    lines
}

/// In words, the lines that differ.
pub(super) fn differences(ledger: &[LedgerLine]) -> impl Iterator<Item = String> {
    ledger
        .iter()
        .filter(|line| line.verdict == Agreement::Differs)
        .map(|line| {
            format!(
                "the ledger does not agree on {}: {} {}, {} {} (at most {} can be explained)",
                line.what,
                line.left.who,
                human::count(line.left.count),
                line.right.who,
                human::count(line.right.count),
                human::count(line.unsure)
            )
        })
}

fn pairs(cut: &Cut, summary: &Summary) -> Vec<Pair> {
    let count = |name| cut.count(name);
    let lost_sockets = of_family(cut, counter::DISCONNECT);
    let heartbeats = &summary.heartbeats;
    let asked = count(counter::SUBSCRIPTIONS_ASKED);
    let confirmed = count(counter::SUBSCRIPTIONS_CONFIRMED);
    let mut pairs = vec![
        Pair {
            what: "sockets",
            clients: (
                "clients opened",
                count(counter::SOCKETS_OPENED) + count(counter::SOCKETS_REOPENED),
            ),
            nodes: ("nodes accepted", gauge::SOCKETS_ACCEPTED),
            // Accepted there, and given up here before the answer came.
            unsure: of_family(cut, counter::CONNECT_FAILED),
        },
        Pair {
            what: "pings",
            clients: ("clients sent", heartbeats.sent + asked),
            nodes: ("nodes received", gauge::PINGS_RECEIVED),
            unsure: heartbeats.missed + lost_sockets,
        },
        Pair {
            what: "pongs",
            clients: ("clients received", heartbeats.acknowledged + confirmed),
            nodes: ("nodes sent", gauge::PONGS_SENT),
            // Too late to be an acknowledgement, or with the socket gone.
            unsure: heartbeats.due.saturating_sub(heartbeats.acknowledged)
                + asked.saturating_sub(confirmed)
                + lost_sockets,
        },
    ];
    if let Some(commands) = &summary.commands {
        let unsure = commands.timed_out + commands.failed + commands.lost;
        pairs.push(Pair {
            what: "commands",
            clients: ("clients issued", commands.issued),
            nodes: ("nodes took", gauge::COMMANDS_TAKEN),
            unsure,
        });
        pairs.push(Pair {
            what: "replies",
            clients: ("clients received", commands.replied),
            nodes: ("nodes sent", gauge::COMMANDS_ANSWERED),
            unsure,
        });
    }
    if let Some(messages) = &summary.messages {
        pairs.push(Pair {
            what: "messages",
            clients: ("clients published", messages.published),
            nodes: ("nodes took", gauge::MESSAGES_TAKEN),
            unsure: messages.unconfirmed,
        });
        pairs.push(Pair {
            what: "deliveries of messages",
            clients: ("clients received", count(counter::MESSAGES_RECEIVED)),
            nodes: ("nodes handed out", gauge::MESSAGES_HANDED_OUT),
            unsure: lost_sockets * OUTBOX_FRAMES,
        });
    }
    pairs
}

/// What nodes put on the backplane and what they took from it.
fn backplane(cut: &Cut, doubt: Option<&str>) -> Vec<LedgerLine> {
    let both = |sent, received| Some((total(cut, sent)?, total(cut, received)?));
    let mut lines = Vec::new();
    if let Some((sent, received)) = both(gauge::UNICASTS_SENT, gauge::UNICASTS_RECEIVED) {
        lines.push(line(
            "messages between nodes",
            side("nodes sent", sent),
            side("nodes received", received),
            lately(cut, gauge::UNICASTS_SENT),
            doubt,
        ));
    }
    if let (Some(others), Some((sent, received))) = (
        others_that_hear_all(cut),
        both(gauge::TOPICS_SENT, gauge::TOPICS_RECEIVED),
    ) {
        lines.push(line(
            "topic messages between nodes",
            side("others were to receive", sent * others),
            side("others received", received),
            lately(cut, gauge::TOPICS_SENT) * others,
            doubt,
        ));
    }
    lines
}

fn line(
    what: &str,
    left: LedgerSide,
    right: LedgerSide,
    unsure: u64,
    doubt: Option<&str>,
) -> LedgerLine {
    let difference = right.count as i64 - left.count as i64;
    let verdict = match doubt {
        Some(_) => Agreement::Unknown,
        None if difference.unsigned_abs() <= unsure => Agreement::Agrees,
        None => Agreement::Differs,
    };
    LedgerLine {
        what: what.to_owned(),
        left,
        right,
        difference,
        unsure,
        verdict,
        note: doubt.map(str::to_owned),
    }
}

fn side(who: &str, count: u64) -> LedgerSide {
    LedgerSide {
        who: who.to_owned(),
        count,
    }
}

/// Why the counts of one end are not whole.
fn doubt(cut: &Cut) -> Option<String> {
    for event in &cut.record.events {
        if let Occurrence::WorkerLost { id, .. } = &event.what {
            return Some(format!("what {id} counted last is not known"));
        }
    }
    let ends = cut.tracks.of(Role::Worker).filter_map(|(_, track)| {
        let last = track.lines().last()?;
        Some(last.end())
    });
    let worked_until = ends.fold(0.0, f64::max);
    nodes(cut).find_map(|(id, track)| {
        let restarted = track.restarts().is_some_and(|at| !at.is_empty());
        let asked_at_the_end = track.lines().last().is_some_and(|last| {
            last.gauge(gauge::UP) == Some(1.0) && last.end() >= worked_until - 1.0
        });
        (restarted || !asked_at_the_end)
            .then(|| format!("what {id} counted before it ended is not known"))
    })
}

/// Nodes that were ever up.
fn nodes<'a>(cut: &'a Cut<'a>) -> impl Iterator<Item = (&'a str, &'a Track<'a>)> {
    let nodes = cut.tracks.of(Role::Node);
    nodes.filter(|(_, track)| track.is_up_within(cut.range()))
}

/// A count over all nodes; `None` when one of them does not show it. A node of a cluster began with the run, a target before it.
fn total(cut: &Cut, name: &str) -> Option<u64> {
    let began_with_the_run = matches!(cut.record.manifest.plan.system, System::Cluster(_));
    let counts = nodes(cut).map(|(_, track)| {
        let first = track.gauge(name).next()?.value;
        let before = if began_with_the_run { 0.0 } else { first };
        Some(track.last(name)? - before)
    });
    let counts: Option<Vec<f64>> = counts.collect();
    let counts = counts.filter(|counts| !counts.is_empty())?;
    Some(counts.iter().sum::<f64>().max(0.0) as u64)
}

/// How much a count of the nodes grew just before they were asked last.
fn lately(cut: &Cut, name: &str) -> u64 {
    let grown = |track: &Track| {
        let end = track.lines().last()?.end();
        track.growth(name, end - ASKED_WITHIN_S..end + 1e-6)
    };
    let nodes = cut.tracks.of(Role::Node);
    nodes
        .filter_map(|(_, track)| grown(track))
        .sum::<f64>()
        .ceil() as u64
}

/// Nodes beside the one that publishes, where each is sure to have a subscriber of
/// every topic from the start.
fn others_that_hear_all(cut: &Cut) -> Option<u64> {
    let plan = &cut.record.manifest.plan;
    let System::Cluster(cluster) = &plan.system else {
        return None;
    };
    let nodes = u64::from(cluster.nodes);
    let everywhere = |load: &PublishLoad| {
        let pool = plan.devices.iter().find(|pool| pool.name == load.pool);
        let from_the_start = pool.is_some_and(|pool| pool.start.is_none());
        load.topics == 1 && load.subscribers >= nodes && from_the_start
    };
    let steady = plan.events.is_empty() && plan.publish.iter().all(everywhere);
    (steady && !plan.publish.is_empty() && nodes > 1).then(|| nodes - 1)
}

/// All kinds of a counter.
fn of_family(cut: &Cut, family: &str) -> u64 {
    let lines = cut.tracks.of(Role::Worker);
    lines
        .flat_map(|(_, track)| track.within(cut.range()))
        .flat_map(|line| super::sockets::by_kind(line, family))
        .map(|(_, count)| count)
        .sum()
}
