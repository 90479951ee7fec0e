//! What was found, in words for a terminal of 80 columns: the answer first,
//! then what to do, then the figures behind it.

mod capacity_table;
mod fixes;
mod limits;
mod numbers;
mod preflight;
mod summary;

use highwater_scenarios::text_layout::Page;

use super::{capacity::Capacity, limits::Limits, preflight::Fit};

/// What this machine can hold.
pub fn capacity(limits: &Limits) -> String {
    let capacity = Capacity::of(limits);
    let mut page = Page::default();
    summary::write(&capacity, limits, &mut page);
    capacity_table::write(&capacity, limits, &mut page);
    fixes::all(&capacity, limits, &mut page);
    limits::write(limits, &mut page);
    page.into_text()
}

/// Whether the scenario called `name` can be run on this machine.
pub fn fit(name: &str, fit: &Fit, limits: &Limits) -> String {
    let mut page = Page::default();
    preflight::write(name, fit, limits, &mut page);
    page.into_text()
}

/// What to do about a finding, as lines below it.
pub fn remedy(remedy: &super::Remedy) -> String {
    let mut lines = vec![remedy.what.clone()];
    lines.extend(fixes::settings(remedy));
    lines.join("\n")
}
