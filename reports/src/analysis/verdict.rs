//! The outcome of gates, and the verdict on all of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict on a gate or on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every gate holds, and something of what was asked happened.
    Passed,
    /// A gate does not hold, or nothing of what was asked happened.
    Failed,
    /// The harness was the limit, or a measurement is missing.
    Inconclusive,
}

/// The outcome of a gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateOutcome {
    /// Name of the gate; its check, where the scenario gives no name.
    pub name: String,
    /// Check as the scenario has it.
    pub check: String,
    /// Window of the gate: `ramp`, `steady`, `drain` or `run`; `null` for the window that
    /// the metric has of itself.
    pub during: Option<String>,
    /// Value of the metric; `null` when it was not measured.
    pub actual: Option<f64>,
    /// Limit in the metric's unit.
    pub limit: f64,
    /// Whether the gate holds.
    pub verdict: Verdict,
}

/// Combines the outcomes of all gates with the failures of the target that need no gate, and
/// the doubts about the run.
pub(super) fn verdict(gates: &[GateOutcome], target_failed: bool, is_doubtful: bool) -> Verdict {
    let any = |verdict| gates.iter().any(|gate| gate.verdict == verdict);
    // A failed gate wins, because a saturated target slows the harness down as well. A gate
    // that the harness demonstrably broke is not counted as failed: see `gates`.
    if target_failed || any(Verdict::Failed) {
        Verdict::Failed
    } else if is_doubtful || any(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else {
        Verdict::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Failed, Inconclusive, Passed};

    #[test]
    fn verdict_follows_the_table() {
        let table: [(&[Verdict], bool, Verdict); 8] = [
            (&[], false, Passed),
            (&[], true, Inconclusive),
            (&[Passed, Passed], false, Passed),
            (&[Passed, Passed], true, Inconclusive),
            (&[Passed, Failed], false, Failed),
            (&[Passed, Failed], true, Failed),
            (&[Passed, Inconclusive], false, Inconclusive),
            (&[Inconclusive, Failed], true, Failed),
        ];
        for (outcomes, limited, expected) in table {
            let gates: Vec<GateOutcome> = outcomes.iter().map(|&verdict| gate(verdict)).collect();
            let actual = verdict(&gates, false, limited);
            assert_eq!(actual, expected, "{outcomes:?} {limited}");
            assert_eq!(verdict(&gates, true, limited), Failed, "{outcomes:?}");
        }
    }

    fn gate(verdict: Verdict) -> GateOutcome {
        GateOutcome {
            name: String::new(),
            check: String::new(),
            during: None,
            actual: None,
            limit: 0.0,
            verdict,
        }
    }
}
