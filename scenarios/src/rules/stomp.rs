//! The dialect `stomp`: its keys stand with it alone, and its texts have their values.

use super::pool;
use crate::{
    data::PoolData,
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    frames::{CompiledStomp, StompPlace},
    plan::{Dialect, PublishFrom, StompSubscription},
    scenario::{Scenario, System},
    section::{
        devices::PoolSection, subscription::SubscriptionSection, target::TargetSection,
        target_stomp::TargetStompSection,
    },
};

/// Most subscriptions of a pool.
const MAX_SUBSCRIPTIONS: usize = 16;

pub(super) fn check(scenario: &Scenario, data: &[PoolData], sink: &mut DiagnosticSink) {
    let target = match scenario.system() {
        System::Target(target) => Some(target),
        _ => None,
    };
    let stomp = target.filter(|target| scenario.dialect_of(target) == Some(Dialect::Stomp));
    let Some(target) = stomp else {
        check_absent(scenario, target, sink);
        return;
    };
    for pool in scenario.devices.elements() {
        check_pool(pool, sink);
        check_texts(target, pool, pool::data_of(pool, scenario, data), sink);
    }
    for load in scenario.publish.elements() {
        if !load.from.is(&PublishFrom::Device) {
            sink.report(
                &load.from.location.without_value(),
                Diagnostic::new("publishers over HTTP in the stomp dialect")
                    .expected("`from = \"device\"`")
                    .hint("STOMP publishes with the frame SEND, over a device's own socket"),
            );
        }
    }
}

/// Reports the dialect's keys in a scenario of another dialect.
fn check_absent(scenario: &Scenario, target: Option<&TargetSection>, sink: &mut DiagnosticSink) {
    // An invalid dialect is reported, and may have been meant to be this one.
    let is_unknown = target.is_some_and(|target| scenario.dialect_of(target).is_none());
    if is_unknown {
        return;
    }
    let mut report = |location: &ValueLocation, subject: &str| {
        sink.report(
            &location.without_value(),
            Diagnostic::new(format!("{subject} without the stomp dialect"))
                .expected("`dialect = \"stomp\"` in `[target]`"),
        );
    };
    if let Some(target) = target.filter(|target| target.stomp.is_written) {
        report(&target.stomp.location, "`stomp`");
    }
    for pool in scenario.devices.elements() {
        if pool.subscribe.is_written {
            report(&pool.subscribe.location, "`subscribe`");
        }
    }
}

fn check_pool(pool: &PoolSection, sink: &mut DiagnosticSink) {
    if let Some(location) = pool.frames_location() {
        sink.report(
            &location.without_value(),
            Diagnostic::new("frames in the stomp dialect")
                .expected("`subscribe`, `heartbeat = \"10s\"` and the keys of `[target.stomp]`")
                .hint("frames of a scenario's own need `dialect = \"plain\"`"),
        );
    }
    let length = pool.subscribe.elements().len();
    if length > MAX_SUBSCRIPTIONS {
        sink.report(
            &pool.subscribe.location,
            Diagnostic::new(format!("{length} subscriptions"))
                .expected(format!("at most {MAX_SUBSCRIPTIONS}")),
        );
    }
}

/// Checks the placeholders of a pool's texts.
fn check_texts(
    target: &TargetSection,
    pool: &PoolSection,
    data: &PoolData,
    sink: &mut DiagnosticSink,
) {
    let subscriptions = pool.subscribe.elements();
    let resolved = subscriptions.iter().map(SubscriptionSection::resolve);
    let resolved: Option<Vec<StompSubscription>> = resolved.collect();
    // A text that could not be read is reported, and so are problems of the data.
    let Some((resolved, mut names)) = resolved.zip(pool::names_before_open(pool, data)) else {
        return;
    };
    let Some(spec) = target.stomp_spec() else {
        return;
    };
    let Err(problems) = CompiledStomp::compile(&spec, &resolved, &mut names) else {
        return;
    };
    let section = target.stomp.value.as_ref();
    for problem in problems {
        if let Some(location) = location_of(section, subscriptions, problem.place) {
            sink.report(location, problem.diagnostic);
        }
    }
}

fn location_of<'s>(
    section: Option<&'s TargetStompSection>,
    subscriptions: &'s [SubscriptionSection],
    place: StompPlace,
) -> Option<&'s ValueLocation> {
    Some(match place {
        StompPlace::Host => &section?.host.location,
        StompPlace::Login => &section?.login.location,
        StompPlace::Passcode => &section?.passcode.location,
        StompPlace::Destination(index) => &subscriptions.get(index)?.destination.location,
    })
}
