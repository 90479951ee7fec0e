//! Messages between the nodes and through the broker, per second.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::{NamedPoints, growth_rates},
};
use crate::{
    analysis::backplane::{backplane, brokers},
    human,
    record::{SourceRole, names::gauge},
};

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let named = |role, name, verb: &str| -> NamedPoints {
        let lines = growth_rates(scene.window, role, name).into_iter();
        lines
            .map(|(id, points)| (format!("{id} {verb}"), points))
            .collect()
    };
    let lines = vec![
        (
            "nodes sent",
            named(SourceRole::Node, gauge::BACKPLANE_SENT, "sent"),
        ),
        (
            "broker in",
            named(SourceRole::Broker, gauge::BROKER_MESSAGES_IN, "in"),
        ),
        (
            "broker out",
            named(SourceRole::Broker, gauge::BROKER_MESSAGES_OUT, "out"),
        ),
    ];
    Chart {
        name: "backplane".into(),
        title: "Messages on the backplane".into(),
        about: join_sentences([
            per_command(scene),
            broker_rate(scene),
            telemetry_note(scene),
        ]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: scene.steps.by_role(lines),
        empty_text: None,
    }
}

fn per_command(scene: &ChartContext) -> Option<String> {
    let sent = backplane(scene.window)?.sent_per_command?;
    Some(format!(
        "Messages that the nodes sent each other for each command of the steady phase: {}.",
        human::significant(sent)
    ))
}

fn broker_rate(scene: &ChartContext) -> Option<String> {
    let broker = brokers(scene.window).into_iter().next()?;
    Some(match broker.messages_in_per_s {
        Some(rate) => format!(
            "The broker took {}/s in the steady phase.",
            human::significant(rate)
        ),
        None => "The broker does not tell of its messages.".to_owned(),
    })
}

fn telemetry_note(scene: &ChartContext) -> Option<String> {
    let readings = &scene.window.record.manifest.plan.telemetry;
    (!readings.is_empty()).then(|| {
        "What the nodes sent is without the telemetry records, which go to their queue.".to_owned()
    })
}
