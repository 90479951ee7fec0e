//! The settings of a scenario, for crates that compare runs by them.

use crate::{
    scenario::Scenario,
    section::{Nested, Section, SectionSchema},
};

pub use crate::section::Comparability;

/// A key of a scenario, as `--set` addresses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The path, with `*` for the name of a list's element: `cluster.policy`,
    /// `devices.*.count`.
    pub path: String,
    /// The weight of a difference in a comparison of runs.
    pub comparability: Comparability,
    /// Whether the value is a duration, which a plan holds in milliseconds.
    pub is_duration: bool,
}

/// Returns every key of a scenario, in the order of the reference.
pub fn all() -> Vec<Setting> {
    let mut settings = Vec::new();
    collect("", Scenario::schema(), &mut settings);
    settings
}

fn collect(prefix: &str, section: &SectionSchema, settings: &mut Vec<Setting>) {
    for key in section.keys {
        let path = format!("{prefix}{}", key.name);
        let (below, section) = match key.value_type.nested() {
            Nested::Nothing => (None, None),
            Nested::Table(section) => (Some(format!("{path}.")), Some(section)),
            // Elements go by their names, which are not known here.
            Nested::List { section, .. } => (Some(format!("{path}.*.")), Some(section)),
        };
        settings.push(Setting {
            path,
            comparability: key.comparability,
            is_duration: key.value_type.is_duration(),
        });
        if let (Some(below), Some(section)) = (below, section) {
            collect(&below, section, settings);
        }
    }
}
