//! What was offered and what was achieved, per second.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Series, Stroke, XAxis, YAxis},
    chart_context::ChartContext,
};
use crate::{human, record::names::counter};

/// A kind of action: its name, what of it was due and what was answered, by the
/// names of counters, and the verb.
type TrafficKind = (&'static str, &'static str, &'static str, &'static str);

const HEARTBEATS: TrafficKind = (
    "heartbeats",
    counter::HEARTBEATS_DUE,
    counter::HEARTBEATS_ACKNOWLEDGED,
    "acknowledged",
);
const COMMANDS: TrafficKind = (
    "commands",
    counter::COMMANDS_DUE,
    counter::COMMANDS_REPLIED,
    "replied",
);

const MESSAGES: TrafficKind = (
    "messages",
    counter::MESSAGES_SCHEDULED,
    counter::MESSAGES_PUBLISHED,
    "published",
);
const TELEMETRY: TrafficKind = (
    "telemetry",
    counter::TELEMETRY_DUE,
    counter::TELEMETRY_ACCEPTED,
    "accepted",
);

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let mut kinds = vec![HEARTBEATS];
    if !scene.window.record.manifest.plan.commands.is_empty() {
        kinds.push(COMMANDS);
    }
    if !scene.window.record.manifest.plan.publish.is_empty() {
        kinds.push(MESSAGES);
    }
    if !scene.window.record.manifest.plan.telemetry.is_empty() {
        kinds.push(TELEMETRY);
    }
    let rate = |name: &'static str| {
        scene
            .steps
            .rate(scene.window, move |line| line.counter(name))
    };
    let series = kinds.iter().enumerate().flat_map(|(index, kind)| {
        let &(name, due, answered, verb) = kind;
        // The offered line lies on top: where it hides the other, all was
        // achieved.
        let (below, above) = (Colour::Series(index), Colour::Ink);
        [
            Series::line(format!("{name} {verb}"), below, rate(answered)),
            Series::line(format!("{name} due"), above, rate(due))
                .with_stroke(Stroke::of(index * 2 + 1)),
        ]
    });
    let counts: Vec<String> = kinds
        .iter()
        .map(|kind| answered_text(scene, kind))
        .collect();
    Chart {
        name: "throughput".into(),
        title: "Offered and achieved".into(),
        about: format!(
            "{}. Where the broken line runs within the full one, all that was due was answered.",
            counts.join("; ")
        ),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: series.collect(),
        empty_text: None,
    }
}

fn answered_text(scene: &ChartContext, &(name, due, answered, verb): &TrafficKind) -> String {
    let (due, answered) = (
        scene.window.counter_total(due),
        scene.window.counter_total(answered),
    );
    let left = match due.saturating_sub(answered) {
        0 => String::new(),
        left => format!(" ({} were not)", human::count(left)),
    };
    format!(
        "{} of {} {name} that were due were {verb}{left}",
        human::count(answered),
        human::count(due)
    )
}
