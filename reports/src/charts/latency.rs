//! What the charts of latencies over time have in common.

use super::{
    chart::{Colour, Series},
    series::Steps,
};
use crate::{analysis::cut::Cut, histogram::LatencyHistogram};

/// Median, 99th percentile and longest response time, and beside them the 99th
/// percentile of the service time: what lies between is waiting.
pub(super) fn series(cut: &Cut, response: &str, service: &str) -> Vec<Series> {
    let steps = Steps::of(cut);
    let line = |tag: &str, of: &dyn Fn(&LatencyHistogram) -> u64| {
        let blocks = cut.record.latencies.blocks(tag);
        steps.pieces(
            blocks
                .map(|(at, block)| (at, of(&block) as f64 / 1000.0))
                .collect(),
        )
    };
    let quantile = |q: f64| move |block: &LatencyHistogram| block.value_at_quantile(q);
    vec![
        Series::line(
            "longest response",
            Colour::Series(6),
            line(response, &|block| block.max()),
        ),
        Series::line(
            "response p99",
            Colour::Series(1),
            line(response, &quantile(0.99)),
        ),
        Series::line(
            "response median",
            Colour::Series(0),
            line(response, &quantile(0.5)),
        ),
        Series::dashed(
            "service p99",
            Colour::Series(2),
            line(service, &quantile(0.99)),
        ),
    ]
}
