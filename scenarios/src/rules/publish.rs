//! Each publish load has its pool, and enough devices in it.

use std::collections::BTreeMap;

use highwater_types::format;

use crate::{
    diagnostic::DiagnosticSink,
    plan::PublishFrom,
    scenario::Scenario,
    section::{Spanned, devices::PoolSection, publish::PublishSection},
};

use super::pool;

/// Topics that the reference server lets a device subscribe to.
const TOPICS_PER_DEVICE: usize = 64;

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let mut loads_of: BTreeMap<&str, usize> = BTreeMap::new();
    for load in &scenario.publish {
        let wanted = pool::PoolReference {
            name: load.pool.as_ref(),
            has_name: load.has_pool,
            load_name: &load.name,
            verb: "subscribes",
        };
        let Some(pool) = pool::find(&wanted, scenario, findings) else {
            continue;
        };
        check_devices(load, pool, findings);
        check_publishers(load, findings);
        let loads = loads_of.entry(pool.name.value.as_str()).or_default();
        *loads += 1;
        if *loads == TOPICS_PER_DEVICE + 1 {
            let what = format!("too many loads for the devices of {}", pool.name.value);
            let finding = load.name.location.diagnostic(what);
            findings.add(finding.expected(format!(
                "at most {TOPICS_PER_DEVICE} loads of one pool, as many as a device may have topics"
            )));
        }
    }
}

/// Not more subscribers or publishers than the pool has devices.
fn check_devices(load: &PublishSection, pool: &PoolSection, findings: &mut DiagnosticSink) {
    let Some(count) = &pool.count else {
        return;
    };
    let mut at_most = |asked: &Spanned<u64>, what: &str| {
        if asked.value > count.value {
            let finding = asked.location.diagnostic(what);
            findings.add(finding.expected(format!(
                "at most {}, the devices of {}",
                format::toml_integer(count.value),
                pool.name.value
            )));
        }
    };
    if let Some(subscribers) = &load.subscribers {
        at_most(subscribers, "more subscribers than devices");
    }
    if load.from.as_ref().map(|from| from.value) == Some(PublishFrom::Device)
        && let Some(publishers) = load.publishers.as_ref().or(load.topics.as_ref())
    {
        at_most(publishers, "more publishers than devices");
    }
}

/// A topic without a publisher would stay silent.
fn check_publishers(load: &PublishSection, findings: &mut DiagnosticSink) {
    if let (Some(publishers), Some(topics)) = (&load.publishers, &load.topics)
        && publishers.value < topics.value
    {
        let finding = publishers
            .location
            .diagnostic("fewer publishers than topics");
        findings.add(finding.expected(format!(
            "at least {}, one for each topic",
            format::toml_integer(topics.value)
        )));
    }
}
