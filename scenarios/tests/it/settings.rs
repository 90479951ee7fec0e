//! The list of a scenario's keys, from their declarations.

use std::collections::BTreeMap;

use expect_test::expect;
use highwater_scenarios::settings::{self, Comparability};

fn paths(comparability: Comparability) -> String {
    let settings = settings::all().into_iter();
    let paths = settings.filter(|setting| setting.comparability == comparability);
    paths.map(|setting| setting.path + "\n").collect()
}

#[test]
fn settings_of_the_balancer_are_marked() {
    expect![[r#"
        cluster.balancer
        cluster.policy
        cluster.load_metric
        cluster.join
        cluster.balancers
        cluster.balancer_tls
        cluster.max_age
    "#]]
    .assert_eq(&paths(Comparability::Balancing));
}

#[test]
fn settings_without_effect_on_the_load_are_marked() {
    expect![[r#"
        name
        description
        target.preset
        gates
    "#]]
    .assert_eq(&paths(Comparability::Ignored));
}

#[test]
fn paths_lead_through_tables_and_lists() {
    let settings = settings::all();
    for path in ["seed", "devices.*.reconnect.max", "target.observe.*.pid"] {
        assert!(
            settings.iter().any(|setting| setting.path == path),
            "{path}"
        );
    }
}

/// Readers of a plan know a duration by the name of its key alone.
#[test]
fn key_name_is_a_duration_everywhere_or_nowhere() {
    let mut durations: BTreeMap<String, bool> = BTreeMap::new();
    for setting in settings::all() {
        let key = setting.path.rsplit('.').next().unwrap_or_default();
        let known = *durations
            .entry(key.to_owned())
            .or_insert(setting.is_duration);
        assert_eq!(known, setting.is_duration, "{}", setting.path);
    }
}
