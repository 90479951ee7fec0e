//! The registry of metrics: paths, units, directions and windows.

use highwater_scenarios::metrics::{
    self,
    Direction::{Higher, Lower, Neither},
    Unit,
};

#[test]
fn path_leads_to_its_key_in_the_summary() {
    for (path, unit, key) in [
        (
            "heartbeats.response.p99",
            Unit::Millis,
            "heartbeats.response_ms.p99",
        ),
        (
            "commands.cross_node.count",
            Unit::Count,
            "commands.cross_node_ms.count",
        ),
        (
            "sockets.connect_rate",
            Unit::PerSecond,
            "sockets.connect_rate_per_s",
        ),
        (
            "sockets.connect.max",
            Unit::Millis,
            "sockets.connect_ms.max",
        ),
        ("sockets.open_at_end", Unit::Count, "sockets.open_at_end"),
        ("balance.jain_at_end", Unit::Ratio, "balance.jain_at_end"),
        (
            "cost_per_socket.node_heap",
            Unit::Bytes,
            "cost_per_socket.node_heap.value",
        ),
    ] {
        let metric = metrics::find(path).unwrap();
        assert_eq!(metric.unit, unit, "{path}");
        assert_eq!(metric.json_path, key, "{path}");
    }
    assert_eq!(metrics::find("sockets.connect"), None);
}

#[test]
fn paths_are_unique() {
    let mut paths: Vec<_> = metrics::all().map(|metric| metric.path).collect();
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all);
}

#[test]
fn titles_are_unique() {
    let mut titles: Vec<_> = metrics::all().map(|metric| metric.title()).collect();
    let all = titles.len();
    titles.sort();
    titles.dedup();
    assert_eq!(titles.len(), all);
}

#[test]
fn every_section_has_a_title_and_a_metric() {
    let sections: Vec<&str> = metrics::sections().map(|(name, _)| name).collect();
    for family in metrics::families() {
        assert!(sections.contains(&family.section()), "{}", family.path);
    }
    for section in sections {
        let mut families = metrics::families();
        assert!(families.any(|family| family.section() == section));
        assert_ne!(metrics::section_title(section), "");
    }
}

#[test]
fn metric_of_an_instant_has_no_window() {
    let windowed = |path| metrics::find(path).unwrap().is_windowed;
    assert!(windowed("commands.failed") && windowed("commands.response.p99"));
    assert!(!windowed("sockets.open_at_end") && !windowed("cost_per_socket.node_rss"));
}

#[test]
fn direction_is_that_of_the_registry() {
    for (path, expected) in [
        ("sockets.connect_rate", Higher),
        ("heartbeats.response.p99", Lower),
        ("heartbeats.response.count", Neither),
        ("cost_per_socket.balancer_open_files", Lower),
        ("commands.failed", Lower),
        ("commands.replied", Neither),
        ("balance.max_over_mean_at_end", Lower),
        ("balance.min_over_mean_at_end", Higher),
        ("balance.jain_at_end", Higher),
        ("balance.herding.share", Lower),
        ("cpu_cores.nodes", Neither),
    ] {
        assert_eq!(metrics::find(path).unwrap().direction, expected, "{path}");
    }
}

#[test]
fn only_counts_of_failures_count_failures() {
    let counts = |path: &str| metrics::find(path).unwrap().counts_failures;
    for path in ["sockets.failed", "telemetry.lost", "messages.reordered"] {
        assert!(counts(path), "{path}");
    }
    for path in [
        "sockets.opened",
        "commands.response.p99",
        "balance.longest_recovery",
        "cost_per_socket.node_open_files",
    ] {
        assert!(!counts(path), "{path}");
    }
}

#[test]
fn item_labels_are_unique_within_their_list() {
    for table in metrics::item_tables() {
        let same_list = metrics::item_tables().filter(|other| other.list == table.list);
        let labels: Vec<&str> = same_list
            .flat_map(|table| table.metrics)
            .map(|metric| metric.label)
            .collect();
        let mut unique = labels.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), labels.len(), "{}", table.list);
    }
}
