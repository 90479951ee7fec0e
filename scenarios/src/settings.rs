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
        settings.push(Setting {
            path: path.clone(),
            comparability: key.comparability,
            is_duration: key.value_type.is_duration(),
        });
        match key.nested() {
            Nested::Nothing => {}
            Nested::Table(section) => collect(&format!("{path}."), section, settings),
            // Elements go by their names, which are not known here.
            Nested::List(list) => collect(&format!("{path}.*."), list.section, settings),
        }
    }
}
