//! Messages per second between the nodes and through the broker.

use highwater_scenarios::{metrics::Unit, plan::TELEMETRY_BROKER_NAME};
use highwater_types::format;

use super::{
    chart::{Chart, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::{NamedPoints, growth_rates},
};
use crate::{
    analysis::{backplane::backplane, brokers::brokers, list_price::PRICES_OF},
    record::{SourceRole, names::gauge},
};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let named = |role, name, verb: &str| -> NamedPoints {
        let lines = growth_rates(context.window, role, name).into_iter();
        lines
            .filter(|(id, _)| id != TELEMETRY_BROKER_NAME)
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
            per_command(context),
            broker_rate(context),
            telemetry_note(context),
            cost(context),
        ]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: context.steps.by_role(lines),
        empty_text: None,
    }
}

fn per_command(context: &ChartContext) -> Option<String> {
    let sent = backplane(context.window)?.sent_per_command?;
    Some(format!(
        "In the steady phase the nodes sent {} messages to each other for each command.",
        format::significant(sent)
    ))
}

/// States what the provider's list price comes to, where a provider bills requests.
fn cost(context: &ChartContext) -> Option<String> {
    let backplane = backplane(context.window)?;
    let (usd, what) = match (
        backplane.estimated_usd_per_million_commands,
        backplane.estimated_usd_per_idle_node_hour,
    ) {
        (Some(usd), _) => (usd, "a million commands cost"),
        (None, Some(usd)) => (usd, "an idle node costs, per hour,"),
        (None, None) => return None,
    };
    let usd = format::significant(usd);
    Some(format!(
        "At the provider's list price ({PRICES_OF}), {what} about {usd} USD: an estimate."
    ))
}

fn broker_rate(context: &ChartContext) -> Option<String> {
    // A target's brokers are not known. That of telemetry joins no nodes.
    let mut brokers = brokers(context.window).into_iter();
    let broker = brokers.find(|broker| broker.process.id != TELEMETRY_BROKER_NAME)?;
    Some(match broker.messages_in_per_s {
        Some(rate) => format!(
            "The broker received {}/s in the steady phase.",
            format::significant(rate)
        ),
        None => "The broker does not report its messages.".to_owned(),
    })
}

fn telemetry_note(context: &ChartContext) -> Option<String> {
    let telemetry = &context.window.record.manifest.plan.telemetry;
    (!telemetry.is_empty()).then(|| {
        "Telemetry is not among the nodes' messages, because it goes to a queue of its own."
            .to_owned()
    })
}
