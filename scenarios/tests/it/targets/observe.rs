//! The observed processes of a target, with their sources and metrics.

use expect_test::expect;

use super::{check_rejected, plan, scenario_text, target};

#[test]
fn observed_processes_are_kept_or_rejected() {
    let target = target(
        "ws = \"ws://h/{device}\"\nobserve = [{ name = \"n1\", prometheus = \"http://h:9090/metrics?x=1\", sockets_metric = \"open\" }, { name = \"n2\", pid = 4711 }]",
    );
    assert_eq!(target.observe[0].prometheus, ["http://h:9090/metrics?x=1"]);
    assert_eq!(target.observe[1].pid, Some(4_711));
    check_rejected(
        "ws = \"ws://h/{device}\"\nobserve = [{ name = \"n1\" }, { name = \"n1\", pid = 0, sockets_metric = \"open\" }, 5]",
        "",
        expect![[r#"
            broken.toml:5:12: target.observe[0]: nothing to sample
              |
            5 | observe = [{ name = "n1" }, { name = "n1", pid = 0, sockets_metric = "open" }, 5]
              |            ^^^^^^^^^^^^^^^
              = expected: `prometheus`, `pid`, `cgroup` or `container`

            broken.toml:5:38: target.observe[1].name: another observed process has this name
              |
            5 | observe = [{ name = "n1" }, { name = "n1", pid = 0, sockets_metric = "open" }, 5]
              |                                      ^^^^
              = found: "n1"
              = expected: a name of its own

            broken.toml:5:50: target.observe[1].pid: out of range
              |
            5 | observe = [{ name = "n1" }, { name = "n1", pid = 0, sockets_metric = "open" }, 5]
              |                                                  ^
              = found: 0
              = expected: a whole number from 1 to 2_147_483_647

            broken.toml:5:70: target.observe[1].sockets_metric: a metric without its endpoint
              |
            5 | observe = [{ name = "n1" }, { name = "n1", pid = 0, sockets_metric = "open" }, 5]
              |                                                                      ^^^^^^
              = found: "open"
              = expected: `prometheus` beside it

            broken.toml:5:80: target.observe: not a table
              |
            5 | observe = [{ name = "n1" }, { name = "n1", pid = 0, sockets_metric = "open" }, 5]
              |                                                                                ^
              = found: 5
              = expected: a list of tables

            5 problems in broken.toml"#]],
    );
}

#[test]
fn sources_and_metrics_of_a_process_are_kept() {
    let target = target(
        r#"ws = "ws://h/{device}"
[[target.observe]]
name = "app"
prometheus = ["http://a/metrics", "http://b/metrics"]
basic = { user = "u", password = "${P}" }
metrics = { depth = 'depth{queue="in"}', jobs = "jobs_total" }
late_metrics = true
[[target.observe]]
name = "group"
pid = 7
pid_children = false
cgroup = "system.slice/app.service"
[[target.observe]]
name = "container"
container = "shop-app-1""#,
    );
    let [app, group, container] = &target.observe[..] else {
        panic!("{:?}", target.observe)
    };
    assert_eq!(app.process_names(), ["app-1", "app-2"]);
    let metrics = app.metrics.iter();
    let metrics: Vec<_> = metrics.map(|m| (&*m.name, m.selector.as_str())).collect();
    assert_eq!(
        metrics,
        [("depth", "depth{queue=\"in\"}"), ("jobs", "jobs_total")]
    );
    assert_eq!(app.basic.as_ref().unwrap().password, "${P}");
    assert!(app.late_metrics && app.pid_children && !group.pid_children);
    assert_eq!(group.cgroup.as_deref(), Some("system.slice/app.service"));
    assert_eq!(container.container.as_deref(), Some("shop-app-1"));
}

#[test]
fn sources_that_do_not_fit_each_other_are_rejected() {
    for (observe, what) in [
        (
            "pid = 1\nheaders = { A = \"b\" }",
            "headers: header fields without an endpoint",
        ),
        (
            "pid = 1\nmetrics = { a = \"b\" }",
            "metrics: metrics without their endpoint",
        ),
        (
            "pid = 1\nbasic = { user = \"a\", password = \"b\" }",
            "basic: credentials without",
        ),
        (
            "pid = 1\nlate_metrics = true",
            "late_metrics: late metrics without their endpoint",
        ),
        (
            "pid = 1\ncontainer = \"a\"",
            "container: a container beside a process",
        ),
        (
            "pid = 1\nprometheus = [\"http://a/m\", \"http://b/m\"]",
            "prometheus: several endpoints of one process",
        ),
        (
            "cgroup = \"a\"\npid_children = true",
            "pid_children: children of no process",
        ),
        (
            "cgroup = \"a/../b\"",
            "cgroup: a path with an empty, `.` or `..` part",
        ),
        ("container = \"a/b\"", "container: not a container's name"),
        (
            "prometheus = \"http://a/m\"\nheaders = { A = \"{device}\" }",
            "headers: a device's id for an endpoint",
        ),
        (
            "prometheus = \"http://a/m\"\nheaders = { authorization = \"x\" }\n\
             basic = { user = \"a\", password = \"b\" }",
            "basic: credentials beside an `Authorization`",
        ),
        (
            "prometheus = \"http://a/m\"\nbasic = { user = \"a:b\", password = \"c\" }",
            "basic: a name with `:` in it",
        ),
        (
            "prometheus = \"http://a/m\"\nbasic = { user = \"a\" }",
            "basic: `password` is missing",
        ),
        (
            "prometheus = \"http://a/m\"\nmetrics = { \"a.b\" = \"c\" }",
            "metrics: a name with `.` in it as the name of a metric",
        ),
        (
            "prometheus = \"http://a/m\"\nmetrics = { a = \"sum(b)\" }",
            "metrics: the selector of `a`: `(b)` in place of the end of the selector",
        ),
        (
            "prometheus = \"http://a/m\"\nmetrics = {}",
            "metrics: no metrics",
        ),
    ] {
        let target =
            format!("ws = \"ws://h/{{device}}\"\n[[target.observe]]\nname = \"app\"\n{observe}");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains(&format!("target.observe[0].{what}")),
            "{observe}: {diagnostics}"
        );
        assert!(diagnostics.contains("1 problem in"), "{diagnostics}");
    }
    let clash = "ws = \"ws://h/{device}\"\nobserve = [{ name = \"a\", prometheus = \
                 [\"http://a/m\", \"http://b/m\"] }, { name = \"a-2\", pid = 1 }]";
    let diagnostics = crate::diagnostics_of(&scenario_text(clash, ""));
    let expected = "target.observe[1].name: an endpoint of another observed process has this name";
    assert!(diagnostics.contains(expected), "{diagnostics}");
}

#[test]
fn gate_on_an_own_metric_needs_the_metric() {
    let target = "ws = \"ws://h/{device}\"\nobserve = [{ name = \"app\", prometheus = \
                  [\"http://a/m\", \"http://b/m\"], metrics = { depth = \"d\" } }]";
    let gates = |check: &str| format!("[[gates]]\ncheck = \"{check}\"\n");
    let gate = |check| crate::diagnostics_of(&scenario_text(target, &gates(check)));
    for check in [
        "observe.app.depth.max <= 100",
        "observe.app-2.depth.growth_per_hour <= 0.5",
    ] {
        assert_eq!(plan(target, &gates(check)).gates.len(), 1);
    }
    let unknown = gate("observe.app.dept.max <= 100");
    assert!(
        unknown.contains("no observed process has the metric `app.dept`")
            && unknown.contains("did you mean `app.depth`?")
            && unknown.contains("`app.depth`, `app-1.depth`, `app-2.depth`"),
        "{unknown}"
    );
    let part = gate("observe.app.depth.p99 <= 100");
    assert!(part.contains("`observe.NAME.METRIC.max`"), "{part}");
}

#[test]
fn pid_without_endpoint_measures_memory_only() {
    let gate = "[[gates]]\ncheck = \"cost_per_socket.node_rss <= 4KiB\"\n";
    let observed = "ws = \"ws://h/{device}\"\nobserve = [{ name = \"n1\", pid = 1 }]";
    assert_eq!(plan(observed, gate).gates.len(), 1);
    check_rejected(
        observed,
        "[[gates]]\ncheck = \"sockets.server_open_peak == 10\"\n",
        expect![[r#"
            broken.toml:10:9: gates[0].check: sockets.server_open_peak cannot be measured here: no endpoint of a node is observed
               |
            10 | check = "sockets.server_open_peak == 10"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "sockets.server_open_peak == 10"
               = expected: a `[cluster]`, or `observe` with its `prometheus`

            1 problem in broken.toml"#]],
    );
}
