//! The control of a pool's ramp.

use std::{fmt, time::Duration};

use highwater_types::{duration, format};
use serde::{Deserialize, Serialize};

/// The control of a ramp by what the system answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RampControl {
    /// The condition under which the ramp opens no further sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_when: Option<HoldWhen>,
    /// Most attempts of one worker at a time; `None` for the number that the ramp opens in a
    /// second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_connecting: Option<u32>,
}

impl RampControl {
    /// Whether the scenario asks for no control.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A condition on the attempts of the last second: a quantile of their times is above a limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HoldWhen {
    /// The quantile, in hundredths; 100 is the longest time.
    pub percentile: f64,
    /// The limit.
    #[serde(with = "duration::millis")]
    pub above: Duration,
}

/// The form in a scenario.
impl fmt::Display for HoldWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let above = format::duration(self.above);
        if self.percentile >= 100.0 {
            return write!(f, "connect.max > {above}");
        }
        let digits = self.percentile.to_string().replace('.', "");
        write!(f, "connect.p{digits} > {above}")
    }
}
