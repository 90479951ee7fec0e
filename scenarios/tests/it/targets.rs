//! Targets: systems that are already running.

use expect_test::{Expect, expect};
use highwater_scenarios::{
    parse,
    plan::{CertificateTrust, Dialect, Plan, SystemSpec, TargetSpec},
};

const DEVICES: &str = "[[devices]]\ncount = 10\nramp = \"5/s\"\n";

fn scenario_text(target: &str, more: &str) -> String {
    format!("name = \"theirs\"\nduration = \"60s\"\n[target]\n{target}\n{DEVICES}{more}")
}

fn plan(target: &str, more: &str) -> Plan {
    parse("theirs.toml", &scenario_text(target, more), &[])
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn target(target: &str) -> TargetSpec {
    match plan(target, "").system {
        SystemSpec::Target(target) => target,
        SystemSpec::Cluster(_) => panic!("a cluster"),
    }
}

fn check_rejected(target: &str, more: &str, expected: Expect) {
    expected.assert_eq(&crate::diagnostics_of(&scenario_text(target, more)));
}

#[test]
fn target_takes_one_address_or_several() {
    let one = target("ws = \"ws://host:8080/ws?device={device}\"");
    assert_eq!(one.ws, ["ws://host:8080/ws?device={device}"]);
    assert_eq!(
        (one.dialect, one.http.len(), one.observe.len()),
        (Dialect::Highwater, 0, 0)
    );
    let two = target(
        "ws = [\"ws://[::1]:80/{device}\", \"ws://10.0.0.1/{device}\"]\nhttp = \"http://host/base/\"",
    );
    assert_eq!(two.ws.len(), 2);
    assert_eq!(two.http, ["http://host/base"]);
}

#[test]
fn plain_dialect_needs_no_device_placeholder() {
    assert_eq!(
        target("ws = \"ws://host\"\ndialect = \"plain\"").dialect,
        Dialect::Plain
    );
    check_rejected(
        "ws = \"ws://host/ws\"",
        "",
        expect![[r#"
        broken.toml:4:6: target.ws: the highwater dialect needs `{device}` in every address
          |
        4 | ws = "ws://host/ws"
          |      ^^^^^^^^^^^^^^
          = found: "ws://host/ws"
          = hint: did you mean "ws://host/ws?device={device}"? dialect = "plain" needs none

        1 problem in broken.toml"#]],
    );
}

#[test]
fn invalid_addresses_are_rejected() {
    for address in [
        "host:80",
        "wss//host/{device}",
        "http://host/{device}",
        "ws://",
        "ws://:80",
        "ws://host:0",
        "ws://host:99999",
        "ws://ho st",
        "ws://user@host",
        "ws://[::1",
        "ws://[no]:80",
        "ws://host/{device",
        "ws://host/{id}",
        "ws://host/#top",
        "ws://{device}/ws",
        "ws://host:+80",
        "",
    ] {
        let target = format!("ws = {address:?}\ndialect = \"plain\"");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains("target.ws: ")
                && diagnostics.ends_with("1 problem in broken.toml"),
            "{diagnostics}"
        );
    }
}

#[test]
fn tls_keys_resolve_to_trust() {
    const ADDRESSES: &str = "ws = \"wss://h/{device}\"\nhttp = [\"https://h:8443\"]\n";
    let trust = |tls: &str| target(&format!("{ADDRESSES}{tls}")).trust;
    assert_eq!(trust(""), CertificateTrust::Machine);
    assert_eq!(trust("tls = { verify = true }"), CertificateTrust::Machine);
    assert_eq!(trust("tls = { verify = false }"), CertificateTrust::Anybody);
    assert_eq!(
        trust("tls = { ca = \"ca.pem\" }"),
        CertificateTrust::Authorities {
            file: "ca.pem".to_owned()
        }
    );
    check_rejected(
        &format!("{ADDRESSES}tls = {{ ca = \"ca.pem\", verify = false }}"),
        "",
        expect![[r#"
            broken.toml:6:33: target.tls.verify: an authority that nothing is verified against
              |
            6 | tls = { ca = "ca.pem", verify = false }
              |                                 ^^^^^
              = found: false (a truth value)
              = expected: `ca`, or `verify = false`

            1 problem in broken.toml"#]],
    );
    check_rejected(
        &format!("{ADDRESSES}tls = {{ ca = 5, verify = \"no\", cert = \"x\" }}"),
        "",
        expect![[r#"
            broken.toml:6:14: target.tls.ca: not text in quotes
              |
            6 | tls = { ca = 5, verify = "no", cert = "x" }
              |              ^
              = found: 5
              = expected: the path of a file, seen from the scenario's folder

            broken.toml:6:26: target.tls.verify: not a truth value
              |
            6 | tls = { ca = 5, verify = "no", cert = "x" }
              |                          ^^^^
              = found: "no"
              = expected: true or false

            broken.toml:6:32: target.tls.cert: unknown key
              |
            6 | tls = { ca = 5, verify = "no", cert = "x" }
              |                                ^^^^
              = expected: `ca`, `verify`

            3 problems in broken.toml"#]],
    );
}

#[test]
fn header_fields_are_kept_or_rejected() {
    let plan = target(
        "ws = \"ws://h/{device}\"\nheaders = { Authorization = \"Bearer ${TOKEN}\", X-Tenant = \"a b\" }",
    );
    let fields: Vec<_> = plan
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    assert_eq!(
        fields,
        [("Authorization", "Bearer ${TOKEN}"), ("X-Tenant", "a b")]
    );
    for (headers, what) in [
        ("\"a field\"", "not a table"),
        (
            "{ Host = \"h\" }",
            "`Host` is written by the harness itself",
        ),
        ("{ \"a b\" = \"h\" }", "no header field is called `a b`"),
        (
            "{ Sec-WebSocket-Protocol = \"mqtt\" }",
            "`Sec-WebSocket-Protocol` has a key of its own",
        ),
        (
            "{ Sec-WebSocket-Extensions = \"permessage-deflate\" }",
            "`Sec-WebSocket-Extensions` offers extensions, and devices speak none",
        ),
        (
            "{ A = \"{token}\" }",
            "an unknown placeholder `{token}` in the value of `A`",
        ),
        ("{ A = 5 }", "the value of `A` is not text in quotes"),
        (
            "{ A = \"x\\r\\nB: y\" }",
            "the value of `A` is not printable ASCII without spaces around it",
        ),
        (
            "{ A = \"${TOKEN\" }",
            "the value of `A` has `${` without a variable and `}`",
        ),
        (
            "{ A = \"${}\" }",
            "the value of `A` has `${` without a variable and `}`",
        ),
    ] {
        let target = format!("ws = \"ws://h/{{device}}\"\nheaders = {headers}");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains(&format!("target.headers: {what}"))
                && diagnostics.ends_with("1 problem in broken.toml"),
            "{headers}: {diagnostics}"
        );
    }
}

#[test]
fn subprotocols_are_kept_or_rejected() {
    let names = |value: &str| {
        target(&format!(
            "ws = \"ws://h/{{device}}\"\nsubprotocol = {value}"
        ))
    };
    assert_eq!(names("\"mqtt\"").subprotocol, ["mqtt"]);
    assert_eq!(names("[\"v2.a\", \"v1.a\"]").subprotocol, ["v2.a", "v1.a"]);
    assert_eq!(target("ws = \"ws://h/{device}\"").subprotocol.len(), 0);
    for (value, what) in [
        ("[]", "0 names in place of 1 to 8"),
        ("\"a b\"", "`a b` is not a subprotocol's name"),
        ("[\"a\", \"a\"]", "`a` is listed twice"),
        ("5", "not text in quotes"),
    ] {
        let target = format!("ws = \"ws://h/{{device}}\"\nsubprotocol = {value}");
        let diagnostics = crate::diagnostics_of(&scenario_text(&target, ""));
        assert!(
            diagnostics.contains(&format!("target.subprotocol: {what}")),
            "{value}: {diagnostics}"
        );
    }
}

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
fn parts_that_need_a_cluster_are_rejected() {
    let more = r#"
[[commands]]
users = 5
[[events]]
at = "5s"
do = "kill-node"
node = "n1"
[[gates]]
check = "balance.jain_at_end >= 0.9"
[[gates]]
check = "cost_per_socket.node_heap <= 3KiB"
[[gates]]
check = "cost_per_socket.node_rss <= 4KiB"
[[gates]]
check = "commands.same_node.p99 <= 5ms"
"#;
    check_rejected(
        "ws = \"ws://h\"\ndialect = \"plain\"",
        more,
        expect![[r#"
            broken.toml:3:1: target.http: commands have no address to go to
              |
            3 | [target]
              | ^^^^^^^^
              = expected: `http = "http://host:port"` beside `ws`

            broken.toml:12:1: events[0]: an event on a system that the harness did not start
               |
            12 | [[events]]
               | ^^^^^^^^^^
               = expected: events with a `[cluster]`

            broken.toml:17:9: gates[0].check: balance.jain_at_end cannot be measured here: no endpoint of a node is observed
               |
            17 | check = "balance.jain_at_end >= 0.9"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "balance.jain_at_end >= 0.9"
               = expected: a `[cluster]`, or `observe` with its `prometheus`

            broken.toml:19:9: gates[1].check: cost_per_socket.node_heap cannot be measured here: no endpoint of a node is observed
               |
            19 | check = "cost_per_socket.node_heap <= 3KiB"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "cost_per_socket.node_heap <= 3KiB"
               = expected: a `[cluster]`, or `observe` with its `prometheus`

            broken.toml:21:9: gates[2].check: cost_per_socket.node_rss cannot be measured here: no process of a node is observed
               |
            21 | check = "cost_per_socket.node_rss <= 4KiB"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "cost_per_socket.node_rss <= 4KiB"
               = expected: a `[cluster]`, or `observe`

            broken.toml:23:9: gates[3].check: commands.same_node.p99 cannot be measured here: in the plain dialect no answer says which node owned the socket
               |
            23 | check = "commands.same_node.p99 <= 5ms"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "commands.same_node.p99 <= 5ms"
               = expected: `dialect = "highwater"`

            6 problems in broken.toml"#]],
    );
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
