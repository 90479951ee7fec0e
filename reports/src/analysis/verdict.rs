//! All gates together, in three states.
//!
//! In this order: a gate that does not hold fails the run, because a saturated
//! target also slows the harness down; only then may the harness have been the
//! limit, or a figure be missing, which makes the run inconclusive. A gate that
//! the harness itself demonstrably broke does not count as failed
//! (see `gates`).

use crate::summary::{GateOutcome, Verdict};

/// The verdict from the gates' outcomes and whether anything is known against
/// the harness.
pub(crate) fn verdict(gates: &[GateOutcome], harness_was_the_limit: bool) -> Verdict {
    let any = |verdict| gates.iter().any(|gate| gate.verdict == verdict);
    if any(Verdict::Failed) {
        Verdict::Failed
    } else if harness_was_the_limit || any(Verdict::Inconclusive) {
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
    fn the_verdict_table() {
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
            assert_eq!(verdict(&gates, limited), expected, "{outcomes:?} {limited}");
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
