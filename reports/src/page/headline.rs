//! The figures that one looks at first, each with what it is held against: what
//! was asked for, the gates, the baseline.

use highwater_scenarios::figures::Unit;
use serde::Serialize;

use crate::{
    figure::{Figures, display, unit},
    human,
    summary::{Distribution, GateOutcome, Summary, Verdict},
    text::{self, figure_of},
};

/// Gates beside one figure; the rest is in the table.
const MOST_GATES: usize = 3;

/// A figure at the head of the page.
#[derive(Debug, Serialize)]
pub(super) struct Headline {
    label: &'static str,
    value: String,
    notes: Vec<Note>,
}

/// What it is held against.
#[derive(Debug, Serialize)]
struct Note {
    /// A verdict, or nothing.
    verdict: &'static str,
    text: String,
}

/// A figure by its path, with the part of the summary that it stands for.
struct Subject {
    label: &'static str,
    path: &'static str,
    /// Gates on figures that begin like this belong to it.
    gates: &'static [&'static str],
    notes: Vec<String>,
}

/// Sockets, connects, heartbeats, commands, the nodes and what a socket costs
/// them; what was not measured is left out.
pub(super) fn headlines(summary: &Summary, baseline: Option<&Summary>) -> Vec<Headline> {
    let figures = Figures::of(summary);
    let before = baseline.map(Figures::of);
    subjects(summary)
        .into_iter()
        .filter_map(|subject| {
            let value = figures.get(subject.path)?;
            let unit = unit(subject.path);
            let mut notes: Vec<Note> = subject.notes.into_iter().map(plain).collect();
            let before = before.as_ref().and_then(|before| before.get(subject.path));
            notes.extend(before.map(|before| {
                plain(format!(
                    "baseline {}{}",
                    display(unit, before),
                    change(before, value)
                ))
            }));
            notes.extend(gates(summary, subject.gates));
            Some(Headline {
                label: subject.label,
                value: display(unit, value),
                notes,
            })
        })
        .collect()
}

fn subjects(summary: &Summary) -> Vec<Subject> {
    let all = [
        Some(sockets(summary)),
        Some(connects(summary)),
        Some(heartbeats(summary)),
        commands(summary),
        messages(summary),
        memory(summary),
        cost(summary),
        balance(summary),
    ];
    all.into_iter().flatten().collect()
}

fn sockets(summary: &Summary) -> Subject {
    let sockets = &summary.sockets;
    let asked = format!(
        "{} of {} asked for were opened",
        human::count(sockets.opened),
        human::count(sockets.requested)
    );
    let nodes = sockets
        .server_open_peak
        .map(|peak| format!("the nodes counted {}", human::count(peak)));
    Subject {
        label: "sockets open at once",
        path: "sockets.open_peak",
        gates: &["sockets."],
        notes: [Some(asked), nodes].into_iter().flatten().collect(),
    }
}

fn connects(summary: &Summary) -> Subject {
    let sockets = &summary.sockets;
    let rate = sockets
        .connect_rate_per_s
        .map(|rate| format!("{} sockets opened a second", human::significant(rate)));
    let median = sockets
        .connect_ms
        .p50
        .map(|p50| format!("p50 {}", human::millis(p50)));
    Subject {
        label: "time to connect, p99",
        path: "sockets.connect.p99",
        gates: &["sockets.connect"],
        notes: [median, rate].into_iter().flatten().collect(),
    }
}

fn heartbeats(summary: &Summary) -> Subject {
    let heartbeats = &summary.heartbeats;
    let times = times(&heartbeats.response_ms, &heartbeats.service_ms);
    let counts = format!(
        "{} due, {} missed, {} late",
        human::count(heartbeats.due),
        human::count(heartbeats.missed),
        human::count(heartbeats.late)
    );
    Subject {
        label: "heartbeat response, p99",
        path: "heartbeats.response.p99",
        gates: &["heartbeats."],
        notes: times.into_iter().chain([counts]).collect(),
    }
}

fn messages(summary: &Summary) -> Option<Subject> {
    let messages = summary.messages.as_ref()?;
    let times = times(&messages.latency_ms, &messages.service_ms);
    let counts = format!(
        "{} deliveries, {} lost, {} duplicated, {} reordered",
        human::count(messages.delivered),
        human::count(messages.lost),
        human::count(messages.duplicated),
        human::count(messages.reordered)
    );
    Some(Subject {
        label: "message latency, p99",
        path: "messages.latency.p99",
        gates: &["messages."],
        notes: times.into_iter().chain([counts]).collect(),
    })
}

fn commands(summary: &Summary) -> Option<Subject> {
    let commands = summary.commands.as_ref()?;
    let times = times(&commands.response_ms, &commands.service_ms);
    let counts = format!(
        "{} of {} due were replied",
        human::count(commands.replied),
        human::count(commands.due)
    );
    Some(Subject {
        label: "command response, p99",
        path: "commands.response.p99",
        gates: &["commands."],
        notes: times.into_iter().chain([counts]).collect(),
    })
}

/// The usual answer, and the slow one as it looks from the sending on.
fn times(response: &Distribution, service: &Distribution) -> Option<String> {
    let (p50, service) = response.p50.zip(service.p99)?;
    Some(format!(
        "p50 {}; service p99 {}",
        human::millis(p50),
        human::millis(service)
    ))
}

fn memory(summary: &Summary) -> Option<Subject> {
    let heap = summary.cost_per_socket.node_heap;
    let fit = summary.cost_per_socket.node_rss?;
    let interval = format!(
        "95 % between {} and {}",
        human::bytes(fit.low),
        human::bytes(fit.high)
    );
    let heap = heap.map(|heap| format!("of heap {}", human::bytes(heap.value)));
    Some(Subject {
        label: "of a node's memory per socket",
        path: "cost_per_socket.node_rss",
        gates: &["cost_per_socket."],
        notes: [Some(interval), heap].into_iter().flatten().collect(),
    })
}

/// Of the kernel's memory, which no process shows.
fn cost(summary: &Summary) -> Option<Subject> {
    let fit = summary.cost_per_socket.kernel?;
    Some(Subject {
        label: "of the kernel's memory per end of a socket",
        path: "cost_per_socket.kernel",
        gates: &[],
        notes: vec![format!(
            "95 % between {} and {}",
            human::bytes(fit.low),
            human::bytes(fit.high)
        )],
    })
}

fn balance(summary: &Summary) -> Option<Subject> {
    let balance = summary
        .balance
        .as_ref()
        .filter(|_| summary.nodes.len() > 1)?;
    let policy = balance
        .policy
        .as_ref()
        .zip(balance.balancer.as_ref())
        .map(|(policy, balancer)| format!("{policy}, balancer {balancer}"));
    let longest = balance
        .per_event
        .iter()
        .filter_map(|event| event.settled_after_s);
    let longest = longest
        .max_by(f64::total_cmp)
        .filter(|&seconds| seconds > 0.0);
    let settled = longest.map(|seconds| {
        format!(
            "settled within {} of an event",
            human::seconds(seconds.ceil())
        )
    });
    let herding = balance.herding.as_ref().map(|herding| {
        format!(
            "at most {} of a tenth of a second's openings at one node",
            display(Unit::Ratio, herding.share)
        )
    });
    Some(Subject {
        label: "fullest node over the mean, at the end",
        path: "balance.max_over_mean_at_end",
        gates: &["balance."],
        notes: policy.into_iter().chain(settled).chain(herding).collect(),
    })
}

/// Those of a subject, the broken ones first. Gates on connects stand with the
/// connects alone.
fn gates(summary: &Summary, stems: &[&str]) -> Vec<Note> {
    let connects = stems.contains(&"sockets.connect");
    let mut gates: Vec<&GateOutcome> = summary
        .gates
        .iter()
        .filter(|gate| {
            let figure = figure_of(&gate.check);
            stems.iter().any(|stem| figure.starts_with(stem))
                && figure.starts_with("sockets.connect") == connects
        })
        .collect();
    gates.sort_by_key(|gate| gate.verdict == Verdict::Passed);
    let left = gates.len().saturating_sub(MOST_GATES);
    let mut notes: Vec<Note> = gates.into_iter().take(MOST_GATES).map(gate_note).collect();
    if left > 0 {
        notes.push(plain(format!("and {left} more gates")));
    }
    notes
}

/// `✓ missed is 0, must be == 0`, without the part of the path that the figures
/// beside it have in common.
fn gate_note(gate: &GateOutcome) -> Note {
    let sign = match gate.verdict {
        Verdict::Passed => "✓ ",
        Verdict::Failed => "✗ fails: ",
        Verdict::Inconclusive => "? open: ",
    };
    let text = text::gate_claim(gate);
    let (_, short) = text.split_once('.').unwrap_or(("", &text));
    Note {
        verdict: text::word(gate.verdict),
        text: format!("{sign}{short}"),
    }
}

fn plain(text: String) -> Note {
    Note { verdict: "", text }
}

/// ` (+5 %)`.
fn change(before: f64, now: f64) -> String {
    match before {
        0.0 => String::new(),
        before => format!(" ({:+.0} %)", (now / before - 1.0) * 100.0),
    }
}
