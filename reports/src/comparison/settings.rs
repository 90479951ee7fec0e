//! The settings of a run, by the paths that a scenario uses: `cluster.policy`,
//! `devices.late.count`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use highwater_scenarios::settings::{self, Comparability, Setting};
use highwater_types::format;
use serde_json::Value;

use crate::record::Manifest;

/// The keys of a scenario, as their declarations describe them.
static DECLARED: LazyLock<Vec<Setting>> = LazyLock::new(settings::all);

/// Values with parts that make one setting.
const UNSPLIT: [&str; 3] = ["action", "backplane", "model"];
/// Value of a setting that is absent or not set.
const NONE: &str = "none";
/// The settings of a run, each with its value in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Settings(BTreeMap<String, String>);

/// A setting in which runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SettingDifference {
    /// Path: `cluster.policy`.
    pub(super) path: String,
    /// Value in each run, in the order given; `None` where the setting is absent.
    pub(super) values: Vec<Option<String>>,
}

impl Settings {
    /// Collects every setting that affects the load or the system.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut settings = BTreeMap::new();
        if let Ok(Value::Object(plan)) = serde_json::to_value(&manifest.plan) {
            for (key, value) in &plan {
                if comparability(key) != Comparability::Ignored {
                    flatten(&mut settings, key, value);
                }
            }
        }
        // The plan does not contain the number of workers, but it affects the load.
        settings.insert("workers".to_owned(), manifest.workers.to_string());
        Self(settings)
    }

    /// Returns the values of some settings, with the name where a value alone is unclear:
    /// `haproxy, balancers 2`.
    pub(super) fn label(&self, paths: &[String]) -> String {
        let named = |path: &String| {
            let value = self.0.get(path).map_or(NONE, String::as_str);
            // A name such as `haproxy` is clear by itself, a number is not.
            let begins_with_letter = value.starts_with(|first: char| first.is_alphabetic());
            match begins_with_letter && ![NONE, "true", "false"].contains(&value) {
                true => value.to_owned(),
                false => format!("{} {value}", path.strip_prefix("cluster.").unwrap_or(path)),
            }
        };
        paths.iter().map(named).collect::<Vec<_>>().join(", ")
    }
}

impl SettingDifference {
    /// Whether the setting is one of the balancers.
    pub(super) fn is_balancing(&self) -> bool {
        comparability(&self.path) == Comparability::Balancing
    }

    /// Returns each value once.
    pub(super) fn distinct_values(&self) -> Vec<&str> {
        let mut values: Vec<&str> = Vec::new();
        for value in &self.values {
            let value = value.as_deref().unwrap_or(NONE);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// Describes the difference: `policy (round-robin, least-conn)`.
    pub(super) fn describe(&self) -> String {
        let path = self.path.strip_prefix("cluster.").unwrap_or(&self.path);
        format!("{path} ({})", self.distinct_values().join(", "))
    }
}

/// Returns the settings that are not the same in all runs.
pub(super) fn setting_differences(all: &[&Settings]) -> Vec<SettingDifference> {
    let paths: BTreeSet<&String> = all.iter().flat_map(|settings| settings.0.keys()).collect();
    paths
        .into_iter()
        .map(|path| SettingDifference {
            path: path.clone(),
            values: all
                .iter()
                .map(|settings| settings.0.get(path).cloned())
                .collect(),
        })
        .filter(|differing| differing.values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}

/// Returns the weight of a difference in a setting. A part of a plan that is not a key of a
/// scenario counts like any other.
fn comparability(path: &str) -> Comparability {
    let setting = DECLARED.iter().find(|setting| setting.path == path);
    setting.map_or(Comparability::Compared, |setting| setting.comparability)
}

/// Whether keys of this name are durations, which a plan has in milliseconds.
fn is_duration(key: &str) -> bool {
    DECLARED
        .iter()
        .any(|setting| setting.is_duration && setting.path.rsplit('.').next() == Some(key))
}

fn flatten(settings: &mut BTreeMap<String, String>, path: &str, value: &Value) {
    let key = path.rsplit('.').next().unwrap_or(path);
    match value {
        // Objects become paths, so that a difference names the one key that differs.
        Value::Object(parts) if !UNSPLIT.contains(&key) => {
            for (part, value) in parts {
                let path = match path {
                    // `cluster` and `target` stand at the top of a scenario.
                    "system" => part.clone(),
                    path => format!("{path}.{part}"),
                };
                flatten(settings, &path, value);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(
                    settings,
                    &format!("{path}.{}", item_name(item, index)),
                    item,
                );
            }
        }
        value => {
            settings.insert(path.to_owned(), value_text(key, value));
        }
    }
}

/// Returns an item's name, or its number from 1.
fn item_name(item: &Value, index: usize) -> String {
    match item.get("name").and_then(Value::as_str) {
        Some(name) => name.to_owned(),
        None => (index + 1).to_string(),
    }
}

fn value_text(key: &str, value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match (is_duration(key), number.as_f64(), number.as_u64()) {
            (true, Some(millis), _) => format::millis(millis),
            (false, _, Some(whole)) => format::count(whole),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(plan: &Value) -> Settings {
        let mut settings = BTreeMap::new();
        for (key, value) in plan.as_object().unwrap() {
            flatten(&mut settings, key, value);
        }
        Settings(settings)
    }

    fn plan(policy: &str, count: u64) -> Settings {
        settings(&json!({
            "seed": 7,
            "duration": 180_000,
            "system": { "cluster": { "policy": policy, "backplane": { "broker": { "url": "x" } } } },
            "devices": [{ "name": "home", "count": 10 }, { "name": "late", "count": count }],
            "events": [{ "name": null, "at": 60_000, "action": { "do": "add-node" } }],
        }))
    }

    #[test]
    fn settings_have_the_paths_of_a_scenario() {
        let Settings(found) = plan("p2c", 2_400);
        let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(
            found,
            [
                ("cluster.backplane", r#"{"broker":{"url":"x"}}"#),
                ("cluster.policy", "p2c"),
                ("devices.home.count", "10"),
                ("devices.home.name", "home"),
                ("devices.late.count", "2,400"),
                ("devices.late.name", "late"),
                ("duration", "3 min"),
                ("events.1.action", r#"{"do":"add-node"}"#),
                ("events.1.at", "60 s"),
                ("events.1.name", "none"),
                ("seed", "7"),
            ]
        );
    }

    #[test]
    fn difference_lists_each_value_once() {
        let (a, b, c) = (plan("p2c", 5), plan("random", 5), plan("p2c", 5));
        let paths = ["cluster.policy", "seed", "cluster.join"].map(str::to_owned);
        assert_eq!(b.label(&paths), "random, seed 7, join none");
        let found = setting_differences(&[&a, &b, &c]);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_balancing());
        assert_eq!(found[0].describe(), "policy (p2c, random)");
        assert_eq!(setting_differences(&[&a, &c]), []);
        let other_load = setting_differences(&[&a, &plan("p2c", 6)]);
        assert!(!other_load[0].is_balancing());
        assert_eq!(other_load[0].describe(), "devices.late.count (5, 6)");
    }
}
