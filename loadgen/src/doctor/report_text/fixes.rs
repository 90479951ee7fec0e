//! Settings to change, one block for each limit that binds somewhere.

use highwater_scenarios::text_layout::TextLayout;

use crate::doctor::{capacity::Capacity, constraint::Fix, limits::HostLimits};

/// Columns before a setting, within a line of the page.
const INDENT: usize = 4;

pub(super) fn write(capacity: &Capacity, limits: &HostLimits, page: &mut TextLayout) {
    let mut told: Vec<&str> = Vec::new();
    for ceilings in &capacity.roles {
        let (Some(first), Some(remedy)) = (ceilings.binding_constraint(), ceilings.fix(limits))
        else {
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
        let binds = first.constraint.describe(limits);
        page.paragraph(&format!("{binds}. {}", remedy.action));
        for line in setting_lines(&remedy) {
            page.line(&line);
        }
    }
}

/// The settings of a remedy below each other, each with its place.
pub(super) fn setting_lines(remedy: &Fix) -> Vec<String> {
    let lengths = remedy.settings.iter().map(|setting| setting.line.len());
    let width = lengths.max().unwrap_or_default();
    let line = |line: &str, place: &str| format!("{:INDENT$}{line:<width$}  {place}", "");
    remedy
        .settings
        .iter()
        .map(|setting| line(&setting.line, setting.place).trim_end().to_owned())
        .collect()
}
