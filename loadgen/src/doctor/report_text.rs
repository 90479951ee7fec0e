//! What was found, in words for a terminal of 80 columns: the answer first,
//! then what to do, then the figures behind it.

mod capacity_table;
mod fixes;
mod limits;
mod numbers;
mod preflight;
mod summary;

use highwater_scenarios::text_layout::TextLayout;

use super::{capacity::Capacity, limits::HostLimits, preflight::PreflightReport};

/// What this machine can hold.
pub fn capacity_text(limits: &HostLimits) -> String {
    let capacity = Capacity::of(limits);
    let mut page = TextLayout::default();
    summary::write(&capacity, limits, &mut page);
    capacity_table::write(&capacity, limits, &mut page);
    fixes::write(&capacity, limits, &mut page);
    limits::write(limits, &mut page);
    page.into_text()
}

/// Whether the scenario called `name` can be run on this machine.
pub fn preflight_text(name: &str, fit: &PreflightReport, limits: &HostLimits) -> String {
    let mut page = TextLayout::default();
    preflight::write(name, fit, limits, &mut page);
    page.into_text()
}

/// What to do about a finding, as lines below it.
pub fn fix_text(remedy: &super::Fix) -> String {
    let mut lines = vec![remedy.action.clone()];
    lines.extend(fixes::setting_lines(remedy));
    lines.join("\n")
}
