//! Processes of a target that the scenario observes and that were not measured.

use highwater_scenarios::plan::{ObservedProcess, PhaseWindow, SystemSpec};

use super::{run_window::RunWindow, source_series::SourceSeries};
use crate::record::{SourceRole, names::gauge};

/// Returns the observed processes that were not measured up to the end of the steady phase,
/// in words.
pub(super) fn unmeasured_processes(window: &RunWindow) -> Vec<String> {
    let SystemSpec::Target(target) = &window.record.manifest.plan.system else {
        return Vec::new();
    };
    // A run that did not get there is inconclusive already.
    let Some(end) = window.record.phases.end_of(PhaseWindow::Steady) else {
        return Vec::new();
    };
    let reasons = target.observe.iter().flat_map(|observed| {
        let names = observed.process_names().into_iter().enumerate();
        names.filter_map(|(index, name)| {
            let mut nodes = window.sources.with_role(SourceRole::Node);
            let (_, series) = nodes.find(|(id, _)| *id == name)?;
            reason(observed, index, &name, series, end)
        })
    });
    reasons.collect()
}

/// Returns why the process of the endpoint `index` was not measured; `None` if it was.
fn reason(
    observed: &ObservedProcess,
    index: usize,
    name: &str,
    series: &SourceSeries,
    end: f64,
) -> Option<String> {
    let was_up = series.gauge(gauge::UP).any(|up| up.value > 0.0);
    let is_up = series.value_at(gauge::UP, end).is_some();
    let place = place(observed, index);
    if !was_up {
        return Some(format!(
            "the observed process {name} was never found {place}"
        ));
    }
    if !is_up {
        return Some(format!(
            "the observed process {name} was not found {place} at the end of the steady phase"
        ));
    }
    if series.has_several_processes() {
        return Some(several_processes(name));
    }
    let metric = observed.sockets_metric.as_ref()?;
    series
        .value_at(gauge::SOCKETS_OPEN, end)
        .is_none()
        .then(|| {
            format!(
                "the observed process {name} did not show the metric `{metric}` {place} at the end \
             of the steady phase"
            )
        })
}

/// Returns the problems of the nodes, of a target or of a cluster, whose endpoints several
/// processes answer in turn.
pub(super) fn mixed_nodes(window: &RunWindow) -> Vec<String> {
    let nodes = window.sources.with_role(SourceRole::Node);
    let mixed = nodes.filter(|(_, series)| series.has_several_processes());
    mixed.map(|(name, _)| several_processes(name)).collect()
}

fn several_processes(name: &str) -> String {
    format!(
        "the endpoint of {name} is answered by several processes in turn, so its metrics are not \
         measured; observe each process by an address of its own"
    )
}

/// Returns the place in which the process was looked for.
fn place(observed: &ObservedProcess, index: usize) -> String {
    if let Some(url) = observed.prometheus.get(index) {
        format!("at {url}")
    } else if let Some(pid) = observed.pid {
        format!("with the process id {pid}")
    } else if let Some(container) = &observed.container {
        format!("in the container {container}")
    } else if let Some(cgroup) = &observed.cgroup {
        format!("in the control group {cgroup}")
    } else {
        String::new()
    }
}
