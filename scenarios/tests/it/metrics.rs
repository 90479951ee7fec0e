//! Metrics lead to numbers of the summary.

use highwater_scenarios::metrics::{self, Unit};

#[test]
fn metric_path_leads_into_the_summary() {
    for (path, unit, keys) in [
        (
            "heartbeats.response.p99",
            Unit::Millis,
            &["heartbeats", "response_ms", "p99"][..],
        ),
        (
            "commands.cross_node.count",
            Unit::Count,
            &["commands", "cross_node_ms", "count"],
        ),
        (
            "sockets.connect_rate",
            Unit::PerSecond,
            &["sockets", "connect_rate_per_s"],
        ),
        (
            "sockets.connect.max",
            Unit::Millis,
            &["sockets", "connect_ms", "max"],
        ),
        (
            "sockets.open_at_end",
            Unit::Count,
            &["sockets", "open_at_end"],
        ),
        (
            "balance.jain_at_end",
            Unit::Ratio,
            &["balance", "jain_at_end"],
        ),
        (
            "cost_per_socket.node_heap",
            Unit::Bytes,
            &["cost_per_socket", "node_heap", "value"],
        ),
    ] {
        let metric = metrics::find(path).unwrap();
        assert_eq!(metric.unit, unit, "{path}");
        assert_eq!(metric.json_path(), keys, "{path}");
    }
    assert_eq!(metrics::find("sockets.connect"), None);
}

#[test]
fn metric_paths_are_unique() {
    let mut paths: Vec<_> = metrics::all().map(|metric| metric.path).collect();
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all);
}

#[test]
fn metric_of_an_instant_has_no_window() {
    let windowed = |path| metrics::find(path).unwrap().is_windowed();
    assert!(windowed("commands.failed") && windowed("commands.response.p99"));
    assert!(!windowed("sockets.open_at_end") && !windowed("cost_per_socket.node_rss"));
}
