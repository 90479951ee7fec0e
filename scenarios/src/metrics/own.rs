//! The metrics of a target that its scenario names: `observe.NAME.METRIC.PART`.
//!
//! The registry cannot list them, because NAME and METRIC are the scenario's own words.

use super::{Direction, Metric, MetricRequirement, Unit};

/// First part of their paths, and their section of the summary.
pub const OWN_METRICS: &str = "observe";
/// Title of the section.
pub(super) const OWN_METRICS_TITLE: &str = "Metrics of the target";

/// The parts of such a metric, each with its meaning.
static PARTS: [(&str, &str); 5] = [
    ("min", "lowest value"),
    ("mean", "mean"),
    ("max", "highest value"),
    ("last", "last value"),
    (
        "growth_per_hour",
        "growth per hour, fitted while the number of open sockets is constant",
    ),
];

/// Returns a form of path for each part: `observe.NAME.METRIC.max`.
pub fn own_metric_forms() -> impl Iterator<Item = Metric> {
    PARTS
        .iter()
        .map(|(part, about)| own_metric("NAME", "METRIC", part, about))
}

/// Returns the metrics of one metric that a scenario names, one for each part.
pub fn own_metrics(process: &str, name: &str) -> impl Iterator<Item = Metric> {
    PARTS
        .iter()
        .map(move |(part, about)| own_metric(process, name, part, about))
}

/// Returns NAME and METRIC of a path; `None` if it has another form.
pub(crate) fn parse_own_metric(path: &str) -> Option<(&str, &str)> {
    let (process, name, _) = split(path)?;
    Some((process, name))
}

/// Finds the metric at a path of this form, whether or not a scenario has it.
pub(super) fn find(path: &str) -> Option<Metric> {
    let (process, name, part) = split(path)?;
    let (part, about) = PARTS.iter().find(|(known, _)| *known == part)?;
    Some(own_metric(process, name, part, about))
}

fn split(path: &str) -> Option<(&str, &str, &str)> {
    let mut parts = path.split('.');
    let (section, process, name, part) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_form =
        section == OWN_METRICS && parts.next().is_none() && ![process, name].contains(&"");
    is_form.then_some((process, name, part))
}

fn own_metric(process: &str, name: &str, part: &str, about: &str) -> Metric {
    let path = format!("{OWN_METRICS}.{process}.{name}.{part}");
    Metric {
        json_path: path.clone(),
        path,
        // Only the target knows what it counts.
        unit: Unit::Count,
        direction: Direction::Neither,
        label: format!("{process} {name}, {}", part.replace('_', " ")),
        about: format!("METRIC of `[[target.observe]]` NAME: {about}"),
        is_windowed: true,
        counts_failures: false,
        requirement: MetricRequirement::OwnMetric,
    }
}
