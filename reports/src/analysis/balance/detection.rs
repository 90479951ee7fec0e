//! When each layer had found out that a node was gone or hung.

use std::ops::Range;

use super::reconnect_storm::without_reply;
use crate::{
    analysis::{
        conn_events::{Movement, Tenth},
        run_window::Cut,
        sockets::by_kind_of_gauge,
        source_series::Track,
    },
    record::{Role, names::gauge},
    summary::Detection,
};

/// After which there is something to find out.
const EVENTS: [&str; 2] = ["kill-node", "pause-node"];

/// What one process has to say about it.
enum Word {
    /// It is not asked, or was not there.
    Silent,
    /// It had not found out when the looking ended.
    NotYet,
    /// At this instant on the run's clock it had.
    Since(f64),
}

/// `None` after events that leave their node alive.
pub(super) fn detection(
    cut: &Cut,
    movement: &Movement,
    (event, node): (&str, &str),
    after: &Range<f64>,
) -> Option<Detection> {
    if !EVENTS.contains(&event) {
        return None;
    }
    let tenths = movement.within(after.clone());
    let since = |at_s: f64| at_s - after.start;
    let balancers = cut.tracks.of(Role::Balancer);
    let others = cut.tracks.of(Role::Node).filter(|(id, _)| *id != node);
    Some(Detection {
        clients_s: half_lost(tenths).map(since),
        attempts_s: last_astray(movement, node, tenths, after).map(since),
        balancers_s: all(balancers.map(|(_, track)| given_up(track, node, after))).map(since),
        nodes_s: all(others.map(|(_, track)| missed(track, after))).map(since),
        commands_s: last_command(cut, after).map(since),
    })
}

/// When the last of those who say anything had found out; `None` if one had not, or
/// none says anything.
fn all(words: impl Iterator<Item = Word>) -> Option<f64> {
    let mut last: Option<f64> = None;
    for word in words {
        match word {
            Word::Silent => {}
            Word::NotYet => return None,
            Word::Since(at_s) => last = Some(last.map_or(at_s, |last| last.max(at_s))),
        }
    }
    last
}

fn half_lost(tenths: &[Tenth]) -> Option<f64> {
    let lost: u64 = tenths.iter().map(|tenth| tenth.departed).sum();
    let mut gone = 0_u64;
    let half = tenths.iter().find(|tenth| {
        gone += tenth.departed;
        gone > 0 && gone * 2 >= lost
    });
    Some(half?.end_s())
}

/// `None` where attempts were not counted at all.
fn last_astray(
    movement: &Movement,
    node: &str,
    tenths: &[Tenth],
    after: &Range<f64>,
) -> Option<f64> {
    if movement.tenths().is_empty() {
        return None;
    }
    let last = tenths.iter().rfind(|tenth| goes_astray(tenth, node));
    Some(last.map_or(after.start, Tenth::end_s))
}

/// Whether an attempt began in it that was sent to the node: it failed, or had to wait
/// until the node went on, or for longer than the run. Who is turned away for want of
/// room was sent to somebody who lives.
fn goes_astray(tenth: &Tenth, node: &str) -> bool {
    tenth.refused > tenth.turned_away || tenth.unanswered > 0 || tenth.delayed.contains_key(node)
}

/// A balancer that gave sockets to the node does so no more: it says so, or speaks
/// of the other nodes alone.
fn given_up(track: &Track, node: &str, after: &Range<f64>) -> Word {
    let name = format!("{}.{node}", gauge::BALANCER_NODE_UP);
    let mut asked = false;
    for line in track.lines() {
        if by_kind_of_gauge(line, gauge::BALANCER_NODE_UP)
            .next()
            .is_none()
        {
            continue;
        }
        let up = line.gauge(&name).unwrap_or(0.0) > 0.0;
        if line.end() <= after.start {
            asked = up;
        } else if line.end() > after.end {
            break;
        } else if asked && !up {
            return Word::Since(line.end());
        }
    }
    if asked { Word::NotYet } else { Word::Silent }
}

/// A node sees fewer nodes than before. One that was down itself is not asked.
fn missed(track: &Track, after: &Range<f64>) -> Word {
    let Some(before) = track.at(gauge::BACKPLANE_MEMBERS, after.start) else {
        return Word::Silent;
    };
    let mut seen = track.gauge(gauge::BACKPLANE_MEMBERS);
    let fewer =
        seen.find(|seen| seen.at_s > after.start && seen.at_s <= after.end && seen.value < before);
    fewer.map_or(Word::NotYet, |seen| Word::Since(seen.at_s))
}

/// `None` when the scenario sends none.
fn last_command(cut: &Cut, after: &Range<f64>) -> Option<f64> {
    if cut.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let workers = cut.tracks.of(Role::Worker);
    let last = workers
        .flat_map(|(_, track)| track.lines())
        .filter(|line| line.end() > after.start && line.end() <= after.end)
        .filter(|line| without_reply(line) > 0)
        .map(|line| line.end())
        .fold(after.start, f64::max);
    Some(last)
}
