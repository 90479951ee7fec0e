//! The highest values over all nodes, for gates that hold for each of them.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    constant_load::{constant_load, hourly_growth, points_in},
    run_window::RunWindow,
    source_series::SourceSeries,
};
use crate::record::{SourceRole, names::gauge};

/// The highest values over all nodes; sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMaxima {
    /// Resident memory.
    pub rss: NodeMaximum,
    /// Live bytes of the allocator.
    pub heap: NodeMaximum,
    /// Open files.
    pub open_files: NodeMaximum,
}

/// The highest values of one gauge over all nodes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMaximum {
    /// Highest value of a node.
    pub max: Option<u64>,
    /// Fastest growth of a node per hour; `null` when the number of open sockets was not
    /// constant for a minute.
    pub growth_per_hour: Option<f64>,
}

/// Computes the section.
pub(super) fn node_maxima(window: &RunWindow) -> NodeMaxima {
    let constant = constant_load(window);
    let maximum = |name| maximum(window, constant.as_ref(), name);
    NodeMaxima {
        rss: maximum(gauge::RSS),
        heap: maximum(gauge::HEAP),
        open_files: maximum(gauge::OPEN_FILES),
    }
}

fn maximum(window: &RunWindow, constant: Option<&Range<f64>>, name: &str) -> NodeMaximum {
    let nodes = || window.sources.with_role(SourceRole::Node);
    let peaks = nodes().filter_map(|(_, series)| series.peak(name, window.range()));
    let growth_of = |series: &SourceSeries| {
        let points = points_in(series.gauge(name), constant?);
        Some(hourly_growth(&points)?.value)
    };
    NodeMaximum {
        max: peaks.max_by(f64::total_cmp).map(|peak| peak as u64),
        growth_per_hour: nodes()
            .filter_map(|(_, series)| growth_of(series))
            .max_by(f64::total_cmp),
    }
}
