//! Settings to change, one block for each limit that binds somewhere.

use highwater_scenarios::text_layout::Page;

use crate::doctor::{capacity::Capacity, constraint::Remedy, limits::Limits};

/// Columns before a setting, within a line of the page.
const INDENT: usize = 4;

pub(super) fn all(capacity: &Capacity, limits: &Limits, page: &mut Page) {
    let mut told: Vec<&str> = Vec::new();
    for ceilings in &capacity.ceilings {
        let (Some(first), Some(remedy)) = (ceilings.first(), ceilings.remedy(limits)) else {
            continue;
        };
        let name = first.constraint.name();
        if told.contains(&name) {
            continue;
        }
        if told.is_empty() {
            page.heading("What to change");
        }
        told.push(name);
        let binds = first.constraint.words(limits);
        page.paragraph(&format!("{binds}. {}", remedy.what));
        for line in settings(&remedy) {
            page.line(&line);
        }
    }
}

/// The settings of a remedy below each other, each with its place.
pub(super) fn settings(remedy: &Remedy) -> Vec<String> {
    let lengths = remedy.settings.iter().map(|setting| setting.line.len());
    let width = lengths.max().unwrap_or_default();
    let line = |line: &str, place: &str| format!("{:INDENT$}{line:<width$}  {place}", "");
    remedy
        .settings
        .iter()
        .map(|setting| line(&setting.line, setting.place).trim_end().to_owned())
        .collect()
}
