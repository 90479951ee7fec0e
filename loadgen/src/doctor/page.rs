//! What was found, in words for a terminal of 80 columns: the answer first,
//! then what to do, then the figures behind it.

mod answer;
mod ceilings;
mod figure;
mod fit;
mod limits;
mod remedy;

use highwater_scenarios::page::Page;

use super::{capacity::Capacity, fit::Fit, limits::Limits};

/// What this machine can hold.
pub fn capacity(limits: &Limits) -> String {
    let capacity = Capacity::of(limits);
    let mut page = Page::default();
    answer::write(&capacity, limits, &mut page);
    ceilings::write(&capacity, limits, &mut page);
    remedy::all(&capacity, limits, &mut page);
    limits::write(limits, &mut page);
    page.into_text()
}

/// Whether the scenario called `name` can be run on this machine.
pub fn fit(name: &str, fit: &Fit, limits: &Limits) -> String {
    let mut page = Page::default();
    fit::write(name, fit, limits, &mut page);
    page.into_text()
}

/// What to do about a finding, as lines below it.
pub fn remedy(remedy: &super::Remedy) -> String {
    let mut lines = vec![remedy.what.clone()];
    lines.extend(remedy::settings(remedy));
    lines.join("\n")
}
