//! The metrics at the head of the page, each with related metrics, its gates and the
//! baseline.

use highwater_scenarios::metrics::find;
use highwater_types::format;
use serde::Serialize;

use crate::{
    analysis::summary_metrics::SummaryMetrics,
    summary::{GateOutcome, SlopeFit, Summary, Verdict},
    text::{self, metric_of, metric_values},
    unit_format,
};

/// Most gates beside one headline; the others are in the table of gates.
const MOST_GATES: usize = 3;

/// A metric at the head of the page, with its related metrics.
struct HeadlineSpec {
    path: &'static str,
    /// Metrics whose values stand below it.
    related: &'static [&'static str],
    /// Beginnings of the metrics whose gates stand below it.
    gates: &'static [&'static str],
}

/// The headlines in the order of the page. A metric that was not measured is left out.
const HEADLINES: [HeadlineSpec; 11] = [
    HeadlineSpec {
        path: "sockets.open_peak",
        related: &[
            "sockets.requested",
            "sockets.opened",
            "sockets.server_open_peak",
        ],
        gates: &["sockets."],
    },
    HeadlineSpec {
        path: "sockets.connect.p99",
        related: &["sockets.connect.p50", "sockets.connect_rate"],
        gates: &[CONNECT],
    },
    HeadlineSpec {
        path: "heartbeats.response.p99",
        related: &[
            "heartbeats.response.p50",
            "heartbeats.service.p99",
            "heartbeats.due",
            "heartbeats.missed",
            "heartbeats.late",
        ],
        gates: &["heartbeats."],
    },
    HeadlineSpec {
        path: "commands.response.p99",
        related: &[
            "commands.response.p50",
            "commands.service.p99",
            "commands.due",
            "commands.replied",
        ],
        gates: &["commands."],
    },
    HeadlineSpec {
        path: "exchanges.response.p99",
        related: &[
            "exchanges.response.p50",
            "exchanges.service.p99",
            "exchanges.due",
            "exchanges.answered",
            "exchanges.timed_out",
            "exchanges.lost",
        ],
        gates: &["exchanges."],
    },
    HeadlineSpec {
        path: "messages.latency.p99",
        related: &[
            "messages.latency.p50",
            "messages.service.p99",
            "messages.delivered",
            "messages.lost",
            "messages.duplicated",
            "messages.reordered",
        ],
        gates: &["messages."],
    },
    HeadlineSpec {
        path: "telemetry.response.p99",
        related: &[
            "telemetry.response.p50",
            "telemetry.service.p99",
            "telemetry.due",
            "telemetry.accepted",
            "telemetry.handled",
            "telemetry.duplicated",
            "telemetry.lost",
        ],
        gates: &["telemetry."],
    },
    HeadlineSpec {
        path: "backplane.sent_per_command",
        related: &[
            "backplane.sent",
            "backplane.received",
            "backplane.billed_per_command",
            "backplane.estimated_usd_per_million_commands",
        ],
        gates: &["backplane.", "cpu_cores."],
    },
    HeadlineSpec {
        path: "cost_per_socket.node_rss",
        related: &["cost_per_socket.node_heap"],
        gates: &["cost_per_socket."],
    },
    HeadlineSpec {
        path: "cost_per_socket.kernel",
        related: &[],
        gates: &[],
    },
    HeadlineSpec {
        path: BALANCE,
        related: &["balance.longest_recovery", "balance.herding.share"],
        gates: &["balance."],
    },
];

/// Beginning of the metrics of connects, whose gates stand with the connects alone.
const CONNECT: &str = "sockets.connect";
/// Headline of the balance.
const BALANCE: &str = "balance.max_over_mean_at_end";

/// A headline of the page.
#[derive(Debug, Serialize)]
pub(super) struct Headline {
    label: String,
    value: String,
    notes: Vec<HeadlineNote>,
}

/// A line below a headline.
#[derive(Debug, Serialize)]
struct HeadlineNote {
    /// Class for the style sheet: a verdict, or nothing.
    verdict: &'static str,
    text: String,
}

/// Returns the headlines of a summary.
pub(super) fn headlines(summary: &Summary, baseline: Option<&Summary>) -> Vec<Headline> {
    let metrics = SummaryMetrics::of(summary);
    let baseline = baseline.map(SummaryMetrics::of);
    HEADLINES
        .iter()
        // One node is always even, so the balance says nothing about it.
        .filter(|spec| spec.path != BALANCE || summary.nodes.len() > 1)
        .filter_map(|spec| headline(spec, summary, &metrics, baseline.as_ref()))
        .collect()
}

fn headline(
    spec: &HeadlineSpec,
    summary: &Summary,
    metrics: &SummaryMetrics,
    baseline: Option<&SummaryMetrics>,
) -> Option<Headline> {
    let metric = find(spec.path)?;
    let value = metrics.get(spec.path)?;
    let shown = |value| unit_format::with_unit(metric.unit, value);
    let related = metric_values(metrics, spec.related);
    let before = baseline.and_then(|baseline| baseline.get(spec.path));
    let before =
        before.map(|before| format!("baseline {}{}", shown(before), change(before, value)));
    let texts = [remark(spec.path, summary), Some(related), before];
    let texts = texts.into_iter().flatten().filter(|text| !text.is_empty());
    Some(Headline {
        label: metric.title(),
        value: shown(value),
        notes: texts
            .map(plain_note)
            .chain(gates(summary, spec.gates))
            .collect(),
    })
}

/// Returns a text that is not a metric: the interval of a cost, or the policy.
fn remark(path: &str, summary: &Summary) -> Option<String> {
    let interval = |fit: Option<SlopeFit>| {
        let (low, high) = (format::size(fit?.low), format::size(fit?.high));
        Some(format!("95 % interval {low} to {high}"))
    };
    match path {
        "cost_per_socket.node_rss" => interval(summary.cost_per_socket.node_rss),
        "cost_per_socket.kernel" => interval(summary.cost_per_socket.kernel),
        BALANCE => {
            let balance = summary.balance.as_ref()?;
            let (policy, balancer) = (balance.policy.as_ref()?, balance.balancer.as_ref()?);
            Some(format!("policy {policy}, balancer {balancer}"))
        }
        _ => None,
    }
}

/// Returns the gates of a headline, those that do not hold first.
fn gates(summary: &Summary, stems: &[&str]) -> Vec<HeadlineNote> {
    let connects = stems.contains(&CONNECT);
    let mut gates: Vec<&GateOutcome> = summary
        .gates
        .iter()
        .filter(|gate| {
            let path = metric_of(&gate.check);
            stems.iter().any(|stem| path.starts_with(stem)) && path.starts_with(CONNECT) == connects
        })
        .collect();
    // `false` sorts first, so the gates that do not hold do.
    gates.sort_by_key(|gate| gate.verdict == Verdict::Passed);
    let left = gates.len().saturating_sub(MOST_GATES);
    let mut notes: Vec<HeadlineNote> = gates.into_iter().take(MOST_GATES).map(gate_note).collect();
    if left > 0 {
        notes.push(plain_note(format!("and {left} more gates")));
    }
    notes
}

/// Describes a gate: `✓ missed is 0, must be == 0`.
fn gate_note(gate: &GateOutcome) -> HeadlineNote {
    let sign = match gate.verdict {
        Verdict::Passed => "✓ ",
        Verdict::Failed => "✗ fails: ",
        Verdict::Inconclusive => "? inconclusive: ",
    };
    let text = text::gate_claim(gate);
    // The headline above names the section already.
    let (_, short) = text.split_once('.').unwrap_or(("", &text));
    HeadlineNote {
        verdict: text::verdict_word(gate.verdict),
        text: format!("{sign}{short}"),
    }
}

fn plain_note(text: String) -> HeadlineNote {
    HeadlineNote { verdict: "", text }
}

/// Formats a change: ` (+5 %)`.
fn change(before: f64, now: f64) -> String {
    match before {
        // A change from 0 has no percentage.
        0.0 => String::new(),
        before => format!(" ({:+.0} %)", (now / before - 1.0) * 100.0),
    }
}
