//! The results of `doctor` as text for a terminal of 80 columns: the answer first, then the
//! settings to change, then the limits behind it.

mod capacity_table;
mod fixes;
mod limits;
mod preflight;
mod summary;

use highwater_scenarios::text_layout::TextLayout;

use super::{Fix, capacity::Capacity, limits::HostLimits, preflight::PreflightReport};

/// Returns the report on the capacity of this machine.
pub fn capacity_text(limits: &HostLimits) -> String {
    let capacity = Capacity::of(limits);
    let mut page = TextLayout::default();
    summary::write(&capacity, limits, &mut page);
    capacity_table::write(&capacity, limits, &mut page);
    fixes::write(&capacity, limits, &mut page);
    limits::write(limits, &mut page);
    page.into_text()
}

/// Returns the report on whether this machine can run the scenario called `name`.
pub fn preflight_text(name: &str, report: &PreflightReport, limits: &HostLimits) -> String {
    let mut page = TextLayout::default();
    preflight::write(name, report, limits, &mut page);
    page.into_text()
}

/// Returns the action of a fix, with its settings as lines below it.
pub fn fix_text(fix: &Fix) -> String {
    let mut lines = vec![fix.action.clone()];
    lines.extend(fixes::setting_lines(fix));
    lines.join("\n")
}
