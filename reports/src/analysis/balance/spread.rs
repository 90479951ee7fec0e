//! The evenness of the sockets over the nodes, at an instant and over time.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    analysis::{recovery::Dip, run_window::RunWindow},
    record::{SourceRole, names::gauge},
};

/// Sockets of the fullest node over the mean up to which the nodes count as balanced.
const MAX_BALANCED: f64 = 1.05;

/// The evenness of sockets over the nodes that are up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evenness {
    /// Sockets of the fullest node over the mean.
    pub max_over_mean: f64,
    /// Sockets of the emptiest node over the mean.
    pub min_over_mean: f64,
    /// Jain's fairness index, (Σx)² / (n Σx²); Jain, Chiu and Hawe 1984.
    pub jain: f64,
}

/// The evenness of a run, second by second.
pub(crate) struct EvennessSeries(Vec<EvennessSample>);

/// The evenness at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EvennessSample {
    /// Seconds on the run's clock.
    pub(crate) at_s: f64,
    /// Evenness over the nodes that were up.
    pub(crate) evenness: Evenness,
}

impl EvennessSeries {
    /// Computes the evenness of each second in which nodes held sockets.
    pub(crate) fn of(window: &RunWindow) -> Self {
        let mut samples = Vec::new();
        let each = |at_s, shares: &[f64]| {
            if let Some(evenness) = evenness(shares) {
                samples.push(EvennessSample { at_s, evenness });
            }
        };
        let sources = window.sources;
        sources.each_second(SourceRole::Node, gauge::SOCKETS_OPEN, each);
        Self(samples)
    }

    /// All samples in order of time.
    pub(crate) fn samples(&self) -> &[EvennessSample] {
        &self.0
    }

    /// Returns the seconds from the start of `after` until the nodes were balanced for good;
    /// 0 if they always were, `None` if they were not at the end.
    pub(super) fn balanced_after(&self, after: &Range<f64>) -> Option<f64> {
        let samples = self.samples_in(after);
        // The last time out of balance counts, because nodes may cross the limit repeatedly.
        let dip = samples.iter().fold(Dip::None, |dip, sample| {
            dip.observe(sample.at_s, sample.evenness.max_over_mean > MAX_BALANCED)
        });
        (!samples.is_empty()).then(|| dip.length_s(after.start))?
    }

    /// Returns the last evenness in a range.
    pub(super) fn last_in(&self, range: &Range<f64>) -> Option<Evenness> {
        Some(self.samples_in(range).last()?.evenness)
    }

    /// Returns the samples after the start of a range, up to its end.
    fn samples_in(&self, range: &Range<f64>) -> &[EvennessSample] {
        let by = |at_s: f64| self.0.partition_point(|sample| sample.at_s <= at_s);
        let from = by(range.start);
        &self.0[from..by(range.end).max(from)]
    }
}

/// Computes the evenness of sockets per node; `None` without sockets.
pub(super) fn evenness(shares: &[f64]) -> Option<Evenness> {
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 {
        return None;
    }
    let nodes = shares.len() as f64;
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    // The mean is sum over nodes, so a ratio to it is value times nodes over sum.
    let max = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let min = shares.iter().copied().fold(f64::INFINITY, f64::min);
    Some(Evenness {
        max_over_mean: max * nodes / sum,
        min_over_mean: min * nodes / sum,
        jain: sum * sum / (nodes * squares),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_shares_have_the_expected_evenness() {
        assert_eq!(evenness(&[]), None);
        assert_eq!(evenness(&[0.0, 0.0]), None);
        let one_has_all = evenness(&[300.0, 0.0, 0.0]).unwrap();
        assert_eq!(one_has_all.max_over_mean, 3.0);
        assert_eq!(one_has_all.min_over_mean, 0.0);
        assert!((one_has_all.jain - 1.0 / 3.0).abs() < 1e-12);
        // Round-robin: 1,000 on each of two nodes, then 2,400 over three.
        let uneven = evenness(&[1_800.0, 1_800.0, 800.0]).unwrap();
        assert!((uneven.max_over_mean - 1.227).abs() < 1e-3);
        assert!((uneven.min_over_mean - 0.545).abs() < 1e-3);
    }
}
