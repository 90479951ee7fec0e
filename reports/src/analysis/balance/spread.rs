//! How evenly sockets lie over the nodes, at an instant and over time.

use std::ops::Range;

use crate::{
    analysis::{recovery::Dip, run_window::RunWindow},
    record::{SourceRole, names::gauge},
    summary::Evenness,
};

/// The nodes are in the band while the fullest holds at most this part of the mean.
const MAX_BALANCED: f64 = 1.05;

/// The evenness of a run, second by second.
pub(crate) struct EvennessSeries(Vec<EvennessSample>);

/// The evenness at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EvennessSample {
    /// Seconds on the run's clock.
    pub(crate) at_s: f64,
    /// Over the nodes that were up.
    pub(crate) evenness: Evenness,
}

impl EvennessSeries {
    /// Wherever nodes held sockets.
    pub(crate) fn of(cut: &RunWindow) -> Self {
        let mut spreads = Vec::new();
        cut.series
            .each_second(SourceRole::Node, gauge::SOCKETS_OPEN, |at_s, shares| {
                if let Some(evenness) = evenness(shares) {
                    spreads.push(EvennessSample { at_s, evenness });
                }
            });
        Self(spreads)
    }

    /// In order of time.
    pub(crate) fn samples(&self) -> &[EvennessSample] {
        &self.0
    }

    /// Seconds from the start of `after` until the nodes were in the band for good;
    /// 0 if they never left it, `None` if they were not in it at the end.
    pub(super) fn balanced_after(&self, after: &Range<f64>) -> Option<f64> {
        let seen = self.samples_in(after);
        let dip = seen.iter().fold(Dip::None, |dip, spread| {
            dip.observe(spread.at_s, spread.evenness.max_over_mean > MAX_BALANCED)
        });
        (!seen.is_empty()).then(|| dip.length_s(after.start))?
    }

    /// The last of a piece of time.
    pub(super) fn last_in(&self, range: &Range<f64>) -> Option<Evenness> {
        Some(self.samples_in(range).last()?.evenness)
    }

    /// After the start, to the end.
    fn samples_in(&self, range: &Range<f64>) -> &[EvennessSample] {
        let by = |at_s: f64| self.0.partition_point(|spread| spread.at_s <= at_s);
        let from = by(range.start);
        &self.0[from..by(range.end).max(from)]
    }
}

/// Of sockets per node; `None` without sockets: nothing is spread then.
pub(crate) fn evenness(shares: &[f64]) -> Option<Evenness> {
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 {
        return None;
    }
    let nodes = shares.len() as f64;
    let squares: f64 = shares.iter().map(|share| share * share).sum();
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
    fn evenness_of_known_shares() {
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
