//! What was offered and what was achieved, per second.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Series, Stroke, XAxis, YAxis},
    chart_context::Scene,
};
use crate::{human, record::names::counter};

/// A kind of action: its name, what of it was due and what was answered, by the
/// names of counters, and the verb.
type Traffic = (&'static str, &'static str, &'static str, &'static str);

const HEARTBEATS: Traffic = (
    "heartbeats",
    counter::HEARTBEATS_DUE,
    counter::HEARTBEATS_ACKNOWLEDGED,
    "acknowledged",
);
const COMMANDS: Traffic = (
    "commands",
    counter::COMMANDS_DUE,
    counter::COMMANDS_REPLIED,
    "replied",
);

const MESSAGES: Traffic = (
    "messages",
    counter::MESSAGES_SCHEDULED,
    counter::MESSAGES_PUBLISHED,
    "published",
);
const READINGS: Traffic = (
    "readings",
    counter::READINGS_DUE,
    counter::READINGS_ACCEPTED,
    "accepted",
);

pub(super) fn chart(scene: &Scene) -> Chart {
    let mut kinds = vec![HEARTBEATS];
    if !scene.cut.record.manifest.plan.commands.is_empty() {
        kinds.push(COMMANDS);
    }
    if !scene.cut.record.manifest.plan.publish.is_empty() {
        kinds.push(MESSAGES);
    }
    if !scene.cut.record.manifest.plan.readings.is_empty() {
        kinds.push(READINGS);
    }
    let rate = |name: &'static str| scene.steps.rate(scene.cut, move |line| line.counter(name));
    let series = kinds.iter().enumerate().flat_map(|(index, kind)| {
        let &(name, due, answered, verb) = kind;
        // The offered line lies on top: where it hides the other, all was
        // achieved.
        let (below, above) = (Colour::Series(index), Colour::Ink);
        [
            Series::line(format!("{name} {verb}"), below, rate(answered)),
            Series::line(format!("{name} due"), above, rate(due)).broken(Stroke::of(index * 2 + 1)),
        ]
    });
    let counts: Vec<String> = kinds.iter().map(|kind| counted(scene, kind)).collect();
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
        when_empty: None,
    }
}

fn counted(scene: &Scene, &(name, due, answered, verb): &Traffic) -> String {
    let (due, answered) = (scene.cut.count(due), scene.cut.count(answered));
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
