//! CPU cores in use, by kind of process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    growth::{growth_of_role, length_s, sample_range},
    run_window::RunWindow,
};
use crate::record::{SourceRole, names::gauge};

/// The summary's `cpu_cores`: cores in use in the steady phase, on average. 1 is one core
/// all the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct CpuCores {
    pub nodes: Option<f64>,
    pub broker: Option<f64>,
    pub balancers: Option<f64>,
    pub consumers: Option<f64>,
    pub workers: Option<f64>,
}

/// Computes the section.
pub(super) fn cpu_cores(window: &RunWindow) -> CpuCores {
    let cores = |role| {
        // The ramp costs far more CPU per socket than holding it does.
        let steady = window.distribution_range()?;
        let used_s = growth_of_role(window, role, gauge::CPU, sample_range(&steady))?;
        Some(used_s / length_s(&steady)?)
    };
    CpuCores {
        nodes: cores(SourceRole::Node),
        broker: cores(SourceRole::Broker),
        balancers: cores(SourceRole::Balancer),
        consumers: cores(SourceRole::Consumer),
        workers: cores(SourceRole::Worker),
    }
}
