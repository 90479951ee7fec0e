//! A fitted slope with its interval, from samples that follow each other in time.
//!
//! The fit is ordinary least squares with one intercept per group (fixed effects), so that
//! the difference between two processes at rest does not enter the slope.
//!
//! Samples a second apart are not independent: a heap that was high a second ago is high
//! now. The interval therefore counts n (1 − r) / (1 + r) of n samples [1], where r is the
//! residuals' lag-1 autocorrelation. In short series r comes out too small by about
//! (1 + 3r) / n, which is corrected first [2].
//!
//! 1. Santer et al., *Statistical significance of trends and trend differences in
//!    layer-average atmospheric temperature time series*, J. Geophys. Res. 105, 2000.
//! 2. Marriott and Pope, *Bias in the estimation of autocorrelations*, Biometrika 41, 1954.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Number of samples below which nothing is fitted.
const FEWEST_SAMPLES: usize = 5;
/// Number of sockets by which one group must grow at least. Over fewer, a page or a buffer more
/// looks like a cost of each socket.
const LEAST_RANGE: f64 = 250.0;
/// Share of the largest growth below which a group is at rest. Such a group says nothing
/// about the slope, and its noise is not the slope's.
const MIN_SHARE_OF_RANGE: f64 = 0.1;
/// Degrees of freedom that the correction leaves at least. With fewer, the correction alone
/// would determine the width of the interval.
const FEWEST_DEGREES: f64 = 2.0;
/// The normal distribution's 97.5 % quantile.
const Z: f64 = 1.959_963_985;
/// Student's t at 97.5 % for one degree of freedom, which the expansion does not reach.
const T_OF_ONE_DEGREE: f64 = 12.706;

/// A slope with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlopeFit {
    /// Slope.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// One sample: sockets, and their cost.
pub(crate) type FitPoint = (f64, f64);

/// Fits the slope common to all groups; `None` when there are too few samples or sockets.
pub(crate) fn slope(groups: &[Vec<FitPoint>]) -> Option<SlopeFit> {
    let most = groups
        .iter()
        .map(|group| x_range(group))
        .fold(0.0, f64::max);
    if most < LEAST_RANGE {
        return None;
    }
    let groups: Vec<&[FitPoint]> = groups
        .iter()
        .map(Vec::as_slice)
        .filter(|group| x_range(group) >= most * MIN_SHARE_OF_RANGE)
        .collect();
    fit(&groups)
}

/// Fits the growth of one process over time, as points of seconds and value; `None` when there
/// are too few.
pub(crate) fn trend(points: &[FitPoint]) -> Option<SlopeFit> {
    let range = x_range(points);
    // At a single instant nothing grows.
    if range > 0.0 { fit(&[points]) } else { None }
}

fn fit(groups: &[&[FitPoint]]) -> Option<SlopeFit> {
    let samples: usize = groups.iter().map(|group| group.len()).sum();
    if samples < FEWEST_SAMPLES {
        return None;
    }
    // Centring each group removes its intercept, which leaves one slope to fit.
    let centred: Vec<Vec<FitPoint>> = groups.iter().map(|group| centred(group)).collect();
    let (mut xx, mut xy) = (0.0, 0.0);
    for &(x, y) in centred.iter().flatten() {
        xx += x * x;
        xy += x * y;
    }
    let value = xy / xx;

    let residuals: Vec<Vec<f64>> = centred
        .iter()
        .map(|group| group.iter().map(|(x, y)| y - value * x).collect())
        .collect();
    let squares: f64 = residuals.iter().flatten().map(|r| r * r).sum();
    // Each group costs one degree of freedom for its intercept, and the slope one more.
    let counted = samples as f64 * effective_share(&residuals, squares);
    let degrees = (counted - groups.len() as f64 - 1.0).max(FEWEST_DEGREES);
    let margin = student_t(degrees) * (squares / degrees / xx).sqrt();
    Some(SlopeFit {
        value,
        low: value - margin,
        high: value + margin,
    })
}

/// Returns half of the 95 % interval of the mean of values that follow each other in time;
/// `None` when there are too few.
pub(crate) fn mean_margin(values: &[f64]) -> Option<f64> {
    if values.len() < FEWEST_SAMPLES {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let residuals: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let squares: f64 = residuals.iter().map(|r| r * r).sum();
    let counted = n * effective_share(&[residuals], squares);
    let degrees = (counted - 1.0).max(FEWEST_DEGREES);
    Some(student_t(degrees) * (squares / (n - 1.0) / (degrees + 1.0)).sqrt())
}

/// Returns half of the 95 % interval of the mean of independent values, such as those of
/// several runs; `None` for fewer than two.
pub(crate) fn independent_margin(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let t = match values.len() {
        0 | 1 => return None,
        2 => T_OF_ONE_DEGREE,
        _ => student_t(n - 1.0),
    };
    Some(t * (squares / (n - 1.0) / n).sqrt())
}

fn x_range(group: &[FitPoint]) -> f64 {
    let xs = group.iter().map(|&(x, _)| x);
    let (low, high) = xs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    high - low
}

fn centred(group: &[FitPoint]) -> Vec<FitPoint> {
    let n = group.len() as f64;
    let mean_x = group.iter().map(|&(x, _)| x).sum::<f64>() / n;
    let mean_y = group.iter().map(|&(_, y)| y).sum::<f64>() / n;
    group
        .iter()
        .map(|(x, y)| (x - mean_x, y - mean_y))
        .collect()
}

/// Returns the share of the samples that counts as independent: (1 − r) / (1 + r).
fn effective_share(residuals: &[Vec<f64>], squares: f64) -> f64 {
    let products: f64 = residuals
        .iter()
        .flat_map(|group| group.windows(2))
        .map(|pair| pair[0] * pair[1])
        .sum();
    // A perfect fit has no residuals to correlate.
    if squares <= 0.0 {
        return 1.0;
    }
    let samples: usize = residuals.iter().map(Vec::len).sum();
    let n = samples as f64 / residuals.len() as f64;
    let unbiased = (products / squares + 1.0 / n) / (1.0 - 3.0 / n).max(0.25);
    // A negative autocorrelation would count more samples than there are.
    let r = unbiased.clamp(0.0, 0.99);
    (1.0 - r) / (1.0 + r)
}

/// Returns Student's t at 97.5 % for two and more degrees of freedom, within 1 %
/// (Abramowitz and Stegun, 26.7.5).
fn student_t(degrees: f64) -> f64 {
    let z = Z;
    let g1 = (z.powi(3) + z) / 4.0;
    let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let g4 = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5)
        - 1920.0 * z.powi(3)
        - 945.0 * z)
        / 92160.0;
    let d = degrees;
    z + g1 / d + g2 / d.powi(2) + g3 / d.powi(3) + g4 / d.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_t_matches_the_published_table() {
        for (degrees, expected) in [(2.0, 4.303), (3.0, 3.182), (10.0, 2.228), (60.0, 2.000)] {
            let t: f64 = student_t(degrees);
            assert!((t / expected - 1.0).abs() < 0.01, "{degrees}: {t}");
        }
    }

    #[test]
    fn group_levels_do_not_change_the_slope() {
        let line =
            |level: f64| (0..6).map(move |i| (f64::from(i) * 50.0, level + f64::from(i) * 100.0));
        let fit = slope(&[line(1e6).collect(), line(9e6).collect()]).unwrap();
        assert!((fit.value - 2.0).abs() < 1e-9, "{fit:?}");
    }

    #[test]
    fn group_at_rest_does_not_widen_the_interval() {
        let ramp: Vec<FitPoint> = (0..6)
            .map(|i| (f64::from(i) * 50.0, f64::from(i) * 100.0))
            .collect();
        let rest = (0..40)
            .map(|i| (250.0, f64::from(i * i % 17) * 1e6))
            .collect();
        assert_eq!(slope(&[ramp.clone(), rest]), slope(&[ramp]));
    }

    #[test]
    fn too_few_samples_or_sockets_give_no_slope() {
        let group = |n: i32, step: f64| (0..n).map(|i| (f64::from(i) * step, 1.0)).collect();
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&[group(4, 1000.0)]), None);
        assert_eq!(slope(&[group(50, 1.0)]), None);
        assert_eq!(slope(&[group(5, 60.0)]), None);
        assert!(slope(&[group(5, 62.5)]).is_some());
    }

    /// Returns noise in which each value keeps a part of the previous one.
    fn noise(seed: u64, memory: f64) -> impl FnMut() -> f64 {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut last = 0.0;
        let mut uniform = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        move || {
            // The sum of twelve uniform numbers is nearly normal.
            let normal: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            last = memory * last + normal;
            last
        }
    }

    #[test]
    fn interval_covers_the_slope_nine_times_in_ten() {
        // Two processes with a ramp and a steady phase, 1,000 times.
        for memory in [0.0, 0.3, 0.6, 0.9] {
            let covered = (0..1000).filter(|&seed| {
                let mut noise = noise(seed, memory);
                let mut process = |level: f64| -> Vec<FitPoint> {
                    (1..=40)
                        .map(|second| f64::from(second.min(10)) * 100.0)
                        .map(|x| (x, level + 2_000.0 * x + 50_000.0 * noise()))
                        .collect()
                };
                let fit = slope(&[process(1e6), process(9e6)]).unwrap();
                (fit.low..=fit.high).contains(&2_000.0)
            });
            let covered = covered.count();
            assert!(covered >= 900, "{covered} of 1000 with memory {memory}");
        }
    }
}
