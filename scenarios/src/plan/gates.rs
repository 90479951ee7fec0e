//! Conditions that a run must meet.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::check::GateCheck;

/// A condition that the run must meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Name in the report; the check itself where the file gives none.
    pub name: String,
    /// Metric, comparison and limit.
    pub check: GateCheck,
    /// The part of the run that the gate covers; `None` is what the metric itself covers.
    pub during: Option<PhaseWindow>,
}

/// A part of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PhaseWindow {
    /// The time from the first socket until each has opened or failed.
    Ramp,
    /// `duration`, with its events.
    Steady,
    /// The time from the end of the steady phase until all sockets are closed in order.
    Drain,
    /// The whole run.
    Run,
}
