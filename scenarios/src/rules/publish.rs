//! Each publish load has its pool, enough devices in it, and a name for each topic.

use std::collections::BTreeMap;

use highwater_types::format;

use super::pool::{self, PoolReference};
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::{Dialect, PublishFrom, TOPIC_NUMBER_PLACEHOLDER},
    scenario::{Scenario, System},
    section::{Field, devices::PoolSection, publish::PublishSection},
};

/// Topics that the reference server lets a device subscribe to. Each load of a pool may give
/// its devices one topic.
const TOPICS_PER_DEVICE: usize = 64;

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let mut loads_of: BTreeMap<&str, usize> = BTreeMap::new();
    for load in scenario.publish.elements() {
        check_topic(load, sink);
        check_separator(scenario, load, sink);
        let reference = PoolReference {
            pool: &load.pool,
            load: &load.name,
            verb: "subscribes",
        };
        let Some(pool) = pool::find(&reference, scenario, sink) else {
            continue;
        };
        check_devices(load, pool, sink);
        check_publishers(load, sink);
        let loads = loads_of.entry(pool.name.text()).or_default();
        *loads += 1;
        // Reported once, at the first load too many.
        if *loads == TOPICS_PER_DEVICE + 1 {
            let message = format!("too many loads for the devices of {}", pool.name.text());
            sink.report(
                &load.name.location,
                Diagnostic::new(message).expected(format!(
                    "at most {TOPICS_PER_DEVICE} loads of one pool, as many as a device may have topics"
                )),
            );
        }
    }
}

/// Checks that the name of several topics has a number in it.
fn check_topic(load: &PublishSection, sink: &mut DiagnosticSink) {
    let (Some(topic), Some(topics)) = (&load.topic.value, load.topics.value) else {
        return;
    };
    if topics > 1 && !topic.contains(TOPIC_NUMBER_PLACEHOLDER) {
        sink.report(
            &load.topic.location,
            Diagnostic::new("one name for several topics")
                .expected("a topic with `{n}` in it, such as \"chat-{n}\""),
        );
    }
}

/// Checks that only a destination of STOMP has a `/` in it: the reference server accepts none.
fn check_separator(scenario: &Scenario, load: &PublishSection, sink: &mut DiagnosticSink) {
    let is_stomp = match scenario.system() {
        System::Target(target) => scenario.dialect_of(target) == Some(Dialect::Stomp),
        _ => false,
    };
    if !is_stomp && load.topic.text().contains('/') {
        sink.report(
            &load.topic.location,
            Diagnostic::new("a topic with `/` in it")
                .expected("`/` with `dialect = \"stomp\"` only"),
        );
    }
}

/// Checks that the pool has a device for each subscriber, and for each publisher where
/// devices publish.
fn check_devices(load: &PublishSection, pool: &PoolSection, sink: &mut DiagnosticSink) {
    let Some(count) = pool.count.value else {
        return;
    };
    let mut check_at_most = |field: &Field<u64>, message: &str| {
        if field.value > Some(count) {
            let expected = format!(
                "at most {}, the devices of {}",
                format::toml_integer(count),
                pool.name.text()
            );
            sink.report(&field.location, Diagnostic::new(message).expected(expected));
        }
    };
    check_at_most(&load.subscribers, "more subscribers than devices");
    if load.from.is(&PublishFrom::Device) {
        // Without `publishers`, each topic has one.
        let publishers = match load.publishers.value {
            Some(_) => &load.publishers,
            None => &load.topics,
        };
        check_at_most(publishers, "more publishers than devices");
    }
}

/// Checks that every topic has a publisher. Without one it would stay silent.
fn check_publishers(load: &PublishSection, sink: &mut DiagnosticSink) {
    // Publishers keep to the topic of their own number, so fewer of them leave topics out.
    if let (Some(publishers), Some(topics)) = (load.publishers.value, load.topics.value)
        && publishers < topics
    {
        let expected = format!(
            "at least {}, one for each topic",
            format::toml_integer(topics)
        );
        sink.report(
            &load.publishers.location,
            Diagnostic::new("fewer publishers than topics").expected(expected),
        );
    }
}
