//! Messages between the nodes and through the broker, per second.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, XAxis, YAxis},
    chart_context::{Scene, sentences},
    series::{Named, growth_rates},
};
use crate::{
    analysis::backplane::{backplane, brokers},
    human,
    record::{Role, names::gauge},
};

pub(super) fn chart(scene: &Scene) -> Chart {
    let named = |role, name, verb: &str| -> Named {
        let lines = growth_rates(scene.cut, role, name).into_iter();
        lines
            .map(|(id, points)| (format!("{id} {verb}"), points))
            .collect()
    };
    let lines = vec![
        (
            "nodes sent",
            named(Role::Node, gauge::BACKPLANE_SENT, "sent"),
        ),
        (
            "broker in",
            named(Role::Broker, gauge::BROKER_MESSAGES_IN, "in"),
        ),
        (
            "broker out",
            named(Role::Broker, gauge::BROKER_MESSAGES_OUT, "out"),
        ),
    ];
    Chart {
        name: "backplane".into(),
        title: "Messages on the backplane".into(),
        about: sentences([
            per_command(scene),
            told_by_broker(scene),
            readings_beside(scene),
        ]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: scene.steps.by_role(lines),
        when_empty: None,
    }
}

fn per_command(scene: &Scene) -> Option<String> {
    let sent = backplane(scene.cut)?.sent_per_command?;
    Some(format!(
        "Messages that the nodes sent each other for each command of the steady phase: {}.",
        human::significant(sent)
    ))
}

fn told_by_broker(scene: &Scene) -> Option<String> {
    let broker = brokers(scene.cut).into_iter().next()?;
    Some(match broker.messages_in_per_s {
        Some(rate) => format!(
            "The broker took {}/s in the steady phase.",
            human::significant(rate)
        ),
        None => "The broker does not tell of its messages.".to_owned(),
    })
}

fn readings_beside(scene: &Scene) -> Option<String> {
    let readings = &scene.cut.record.manifest.plan.readings;
    (!readings.is_empty())
        .then(|| "What the nodes sent is without the readings, which go to their queue.".to_owned())
}
