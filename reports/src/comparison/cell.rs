//! Runs of the same settings taken together, and their metrics with the noise between
//! runs.

use super::{estimate::Estimate, run::ComparedRun};
use crate::analysis::fit::independent_margin;

/// A cell: runs of the same settings.
pub(super) struct ComparisonCell<'r> {
    /// Settings in which the cell differs from the others: `haproxy, least-conn`.
    pub(super) label: String,
    /// Runs in the order given; at least one.
    pub(super) runs: Vec<&'r ComparedRun>,
}

/// A metric over the runs of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CellEstimate {
    /// Mean, with half of its 95 % interval.
    ///
    /// The interval follows from the runs by Student's t, and is at least as wide as the
    /// noise within the runs. With one run it is that noise.
    pub(super) estimate: Estimate,
    /// Number of runs that measured it.
    pub(super) measured: usize,
    /// Number of runs of the cell.
    pub(super) runs: usize,
}

impl CellEstimate {
    /// Combines the values of all runs; `None` when no run measured the metric.
    pub(super) fn of(values: &[Option<Estimate>]) -> Option<Self> {
        let measured: Vec<Estimate> = values.iter().flatten().copied().collect();
        let first = *measured.first()?;
        let estimate = match (values.len(), measured.len()) {
            // One run has no spread between runs, so it keeps the noise within it.
            (1, _) => first,
            (runs, found) => {
                let values: Vec<f64> = measured.iter().map(|estimate| estimate.value).collect();
                Estimate {
                    value: values.iter().sum::<f64>() / found as f64,
                    // An interval over some of the runs would not be one of the cell.
                    margin: (found == runs)
                        .then(|| independent_margin(&values))
                        .flatten()
                        .map(|margin| margin.max(noise_within_runs(&measured))),
                }
            }
        };
        Some(Self {
            estimate,
            measured: measured.len(),
            runs: values.len(),
        })
    }
}

/// Returns the noise within the runs as it enters their mean; 0 where it is unknown. Runs
/// that happen to agree, as small counts do, would have no noise without it.
fn noise_within_runs(runs: &[Estimate]) -> f64 {
    // Independent errors add up in squares, and a mean of n divides their root by n.
    let margins: Option<Vec<f64>> = runs.iter().map(|run| run.margin).collect();
    let squares = margins.map(|margins| margins.iter().map(|margin| margin.powi(2)).sum::<f64>());
    squares.map_or(0.0, f64::sqrt) / runs.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: f64) -> Option<Estimate> {
        Some(Estimate {
            value,
            margin: Some(0.25),
        })
    }

    #[test]
    fn single_run_keeps_its_own_noise() {
        let single = CellEstimate::of(&[value(3.0)]).unwrap();
        assert_eq!(Some(single.estimate), value(3.0));
        assert_eq!(CellEstimate::of(&[None]), None);
    }

    #[test]
    fn several_runs_have_the_interval_of_their_mean() {
        let three = CellEstimate::of(&[value(1.0), value(2.0), value(3.0)]).unwrap();
        assert_eq!(three.estimate.value, 2.0);
        // t for two degrees of freedom is 4.303, and the standard error 1 over the root of 3.
        let margin = three.estimate.margin.unwrap();
        assert!(
            (margin / (4.303 / 3.0_f64.sqrt()) - 1.0).abs() < 0.01,
            "{margin}"
        );
        let two = CellEstimate::of(&[value(1.0), value(2.0)]).unwrap();
        assert!((two.estimate.margin.unwrap() / (12.706 / 2.0) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn equal_runs_keep_the_noise_within_them() {
        let same = CellEstimate::of(&[value(2.0); 4]).unwrap();
        assert_eq!(same.estimate.margin, Some(0.125));
        let silent = Estimate {
            value: 2.0,
            margin: None,
        };
        let same = CellEstimate::of(&[Some(silent); 4]).unwrap();
        assert_eq!(same.estimate.margin, Some(0.0));
    }

    #[test]
    fn metric_missing_in_a_run_has_no_interval() {
        let some = CellEstimate::of(&[value(1.0), None, value(3.0)]).unwrap();
        assert_eq!((some.measured, some.runs), (2, 3));
        assert_eq!(some.estimate.value, 2.0);
        assert_eq!(some.estimate.margin, None);
    }
}
