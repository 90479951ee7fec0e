//! Actions due and actions answered, per second.

use highwater_scenarios::{Plan, metrics::Unit};
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Series, Stroke, XAxis, YAxis},
    chart_context::ChartContext,
};
use crate::record::names::counter;

/// A kind of action.
struct TrafficKind {
    name: &'static str,
    /// Counter of the actions due.
    due: &'static str,
    /// Counter of the actions answered.
    answered: &'static str,
    /// Verb for an answered action.
    verb: &'static str,
}

const HEARTBEATS: TrafficKind = TrafficKind {
    name: "heartbeats",
    due: counter::HEARTBEATS_DUE,
    answered: counter::HEARTBEATS_ACKNOWLEDGED,
    verb: "acknowledged",
};
const COMMANDS: TrafficKind = TrafficKind {
    name: "commands",
    due: counter::COMMANDS_DUE,
    answered: counter::COMMANDS_REPLIED,
    verb: "replied",
};
const EXCHANGES: TrafficKind = TrafficKind {
    name: "messages of devices",
    due: counter::EXCHANGES_DUE,
    answered: counter::EXCHANGES_ANSWERED,
    verb: "answered",
};
const MESSAGES: TrafficKind = TrafficKind {
    name: "messages",
    due: counter::MESSAGES_SCHEDULED,
    answered: counter::MESSAGES_PUBLISHED,
    verb: "published",
};
const TELEMETRY: TrafficKind = TrafficKind {
    name: "telemetry records",
    due: counter::TELEMETRY_DUE,
    answered: counter::TELEMETRY_ACCEPTED,
    verb: "accepted",
};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let kinds = kinds(context);
    let rate = |name: &'static str| {
        context
            .steps
            .rate(context.window, move |row| row.counter(name))
    };
    let series = kinds.iter().enumerate().flat_map(|(index, kind)| {
        // The line of due actions is drawn on top: where it hides the other one, all
        // actions were answered.
        let (below, above) = (Colour::Series(index), Colour::Ink);
        let (name, verb) = (kind.name, kind.verb);
        [
            Series::line(format!("{name} {verb}"), below, rate(kind.answered)),
            Series::line(format!("{name} due"), above, rate(kind.due))
                // Odd strokes are broken, so the line below shows through.
                .with_stroke(Stroke::of(index * 2 + 1)),
        ]
    });
    let counts: Vec<String> = kinds
        .iter()
        .map(|kind| answered_text(context, kind))
        .collect();
    Chart {
        name: "throughput".into(),
        title: "Due and answered".into(),
        about: format!(
            "{}. Where the broken line lies on the full one, all that was due was answered.",
            counts.join("; ")
        ),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: series.collect(),
        empty_text: None,
    }
}

fn kinds(context: &ChartContext) -> Vec<TrafficKind> {
    let plan = &context.window.record.manifest.plan;
    let optional = [
        (!plan.commands.is_empty()).then_some(COMMANDS),
        has_answers(plan).then_some(EXCHANGES),
        (!plan.publish.is_empty()).then_some(MESSAGES),
        (!plan.telemetry.is_empty()).then_some(TELEMETRY),
    ];
    [HEARTBEATS]
        .into_iter()
        .chain(optional.into_iter().flatten())
        .collect()
}

/// Whether devices send messages that the system answers.
fn has_answers(plan: &Plan) -> bool {
    let mut loads = plan.messages.iter();
    loads.any(|load| load.expect.is_some())
}

fn answered_text(context: &ChartContext, kind: &TrafficKind) -> String {
    let due = context.window.counter_total(kind.due);
    let answered = context.window.counter_total(kind.answered);
    let left = match due.saturating_sub(answered) {
        0 => String::new(),
        left => format!(" ({} were not)", format::count(left)),
    };
    format!(
        "{} of {} {} that were due were {}{left}",
        format::count(answered),
        format::count(due),
        kind.name,
        kind.verb
    )
}
