//! The settings to change, one block for each limit that binds first for some role.

use highwater_scenarios::text_layout::TextLayout;

use crate::doctor::{capacity::Capacity, constraint::Fix, limits::HostLimits};

/// The columns before a setting, within a line of the page.
const INDENT: usize = 4;

/// Writes the settings.
pub(super) fn write(capacity: &Capacity, limits: &HostLimits, page: &mut TextLayout) {
    let mut written: Vec<&str> = Vec::new();
    for role in &capacity.roles {
        let (Some(first), Some(fix)) = (role.binding_constraint(), role.fix(limits)) else {
            continue;
        };
        let name = first.constraint.name();
        // Several roles often end at one limit, and one change serves them all.
        if written.contains(&name) {
            continue;
        }
        if written.is_empty() {
            page.heading("What to change");
        }
        written.push(name);
        let limit = first.constraint.describe(limits);
        page.paragraph(&format!("{limit}. {}", fix.action));
        for line in setting_lines(&fix) {
            page.line(&line);
        }
    }
}

/// Returns the settings of a fix, one line each, with their places in a column.
pub(super) fn setting_lines(fix: &Fix) -> Vec<String> {
    let lengths = fix.settings.iter().map(|setting| setting.line.len());
    let width = lengths.max().unwrap_or_default();
    let line = |line: &str, place: &str| format!("{:INDENT$}{line:<width$}  {place}", "");
    fix.settings
        .iter()
        .map(|setting| line(&setting.line, setting.place).trim_end().to_owned())
        .collect()
}
