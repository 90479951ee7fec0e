//! Costs per socket of known size.

use highwater_reports::record::{SourceRole, names::gauge};
use proptest::prelude::*;

use crate::run::{HEAP_SLOPE, RSS_SLOPE, TestRun};

#[test]
fn exact_slope_is_fitted_exactly() {
    let cost = TestRun::clean().summary().cost_per_socket;
    let near = |fit: Option<highwater_reports::summary::SlopeFit>, expected: f64| {
        let fit = fit.unwrap();
        assert!(
            // The counts of both ends are a millisecond apart.
            (fit.value / expected - 1.0).abs() < 1e-3,
            "{fit:?} {expected}"
        );
        assert!(fit.low <= fit.value && fit.value <= fit.high);
    };
    near(cost.node_rss, RSS_SLOPE);
    near(cost.node_heap, HEAP_SLOPE);
    near(cost.node_open_files, 1.0);
    near(cost.worker_rss, 1_500.0);
    // Slab and TCP buffers of the test run, per end of a socket.
    near(cost.kernel, 4_200.0);
    assert_eq!(cost.balancer_rss, None);
}

#[test]
fn falling_counts_and_restarts_do_not_change_the_slope() {
    let mut run = TestRun::clean();
    // Half of the sockets close and the memory stays. Later the node restarts.
    for second in 12..25 {
        let line = run.line(SourceRole::Node, "n1", second);
        line.gauges.insert(gauge::SOCKETS_OPEN.to_owned(), 250.0);
    }
    for second in 18..25 {
        let line = run.line(SourceRole::Node, "n1", second);
        line.gauges
            .insert(gauge::STARTED_AT.to_owned(), 1.8e9 + 17.0);
        line.gauges.insert(gauge::RSS.to_owned(), 60e6);
    }
    let fit = run.summary().cost_per_socket.node_rss.unwrap();
    assert!((fit.value / RSS_SLOPE - 1.0).abs() < 1e-6, "{fit:?}");
}

#[test]
fn too_little_growth_gives_no_slope() {
    let mut run = TestRun::clean();
    for line in &mut run.intervals {
        if let Some(open) = line.gauges.get_mut(gauge::SOCKETS_OPEN) {
            // Each node then grows by 50 sockets, and a fit needs 250.
            *open /= 10.0;
        }
    }
    assert_eq!(run.summary().cost_per_socket.node_rss, None);
}

#[test]
fn memory_of_the_first_sockets_is_no_cost_of_each_socket() {
    let mut run = TestRun::clean();
    for line in run
        .intervals
        .iter_mut()
        .filter(|line| line.source.role == SourceRole::Node)
    {
        let open = line.gauges.get(gauge::SOCKETS_OPEN).copied();
        // An allocator's arenas: 2 MB, which the first sockets fill.
        let once = 20_000.0 * open.unwrap_or(0.0).min(100.0);
        if let Some(rss) = line.gauges.get_mut(gauge::RSS) {
            *rss += once;
        }
    }
    let fit = run.summary().cost_per_socket.node_rss.unwrap();
    assert!((fit.value / RSS_SLOPE - 1.0).abs() < 1e-3, "{fit:?}");
}

#[test]
fn chart_draws_no_line_for_a_cost_that_the_summary_withholds() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    for line in &mut run.intervals {
        let is_even = (line.at as u64).is_multiple_of(2);
        // Noise that hides the slope: its interval then contains 0.
        if let Some(rss) = line.gauges.get_mut(gauge::RSS) {
            *rss = if is_even { 150e6 } else { 50e6 };
        }
    }
    run.write(dir.path());
    let report = highwater_reports::write_report(dir.path()).unwrap();
    assert_eq!(report.summary.cost_per_socket.node_rss, None);
    let page = std::fs::read_to_string(report.html).unwrap();
    assert!(!page.contains("One more socket costs a node"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_slope_is_fitted(slope in 200.0..50_000.0_f64, level in 1e6..1e9_f64) {
        let mut run = TestRun::clean();
        run.latencies.clear();
        for line in run.intervals.iter_mut().filter(|line| line.source.role == SourceRole::Node) {
            let open = line.gauges.get(gauge::SOCKETS_OPEN).copied().unwrap_or(0.0);
            line.gauges.insert(gauge::RSS.to_owned(), level + slope * open);
        }
        let fit = run.summary().cost_per_socket.node_rss.unwrap();
        prop_assert!((fit.value / slope - 1.0).abs() < 1e-6);
    }
}
