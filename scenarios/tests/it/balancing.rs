//! Balancers in front of the nodes, and matrices of their settings.

use expect_test::expect;
use highwater_scenarios::{
    HostResources, Matrix, describe, describe_matrix, parse, parse_matrix,
    plan::{
        Action, BalancerKind, BalancerLoadMetric, BalancerPolicy, CLUSTER_NAME, ClusterSpec, Join,
        Plan, SystemSpec,
    },
};

/// Returns a scenario of two nodes with further keys of the cluster and further tables.
fn scenario(cluster: &str, more: &str) -> String {
    format!(
        r#"name = "balanced"
duration = "60s"
[cluster]
nodes = 2
{cluster}
[[devices]]
name = "home"
count = 9000
ramp = "500/s"
{more}"#
    )
}

fn plan(cluster: &str, more: &str, sets: &[&str]) -> Plan {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    parse("balanced.toml", &scenario(cluster, more), &sets)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn cluster(keys: &str) -> ClusterSpec {
    match plan(keys, "", &[]).system {
        SystemSpec::Cluster(cluster) => cluster,
        SystemSpec::Target(_) => panic!("a target"),
    }
}

fn matrix(cluster: &str, more: &str, sets: &[&str]) -> Matrix {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    parse_matrix("balanced.toml", &scenario(cluster, more), &sets)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn diagnostics(cluster: &str, more: &str) -> String {
    parse("balanced.toml", &scenario(cluster, more), &[])
        .expect_err("an invalid scenario")
        .to_string()
}

#[test]
fn balancer_sets_default_policy_and_join() {
    for (balancer, policy, join) in [
        ("none", BalancerPolicy::RoundRobin, Join::Discovery),
        ("gateway", BalancerPolicy::P2c, Join::Discovery),
        ("nginx", BalancerPolicy::RoundRobin, Join::Reload),
        ("haproxy", BalancerPolicy::RoundRobin, Join::Reload),
    ] {
        let cluster = cluster(&format!("balancer = \"{balancer}\""));
        assert_eq!((cluster.policy, cluster.join), (policy, join), "{balancer}");
    }
}

#[test]
fn sockets_have_no_max_age_by_default() {
    assert_eq!(cluster("").max_age, None);
    let age = cluster("max_age = \"10m\"").max_age;
    assert_eq!(age, Some(std::time::Duration::from_secs(600)));
    assert!(diagnostics("max_age = \"1s\"", "").contains("cluster.max_age: too short"));
}

#[test]
fn gateway_accepts_either_load_metric_and_nginx_only_sockets() {
    assert_eq!(
        cluster("balancer = \"gateway\"").load_metric,
        BalancerLoadMetric::Sockets
    );
    let heap = "balancer = \"gateway\"\nload_metric = \"heap\"";
    assert_eq!(cluster(heap).load_metric, BalancerLoadMetric::Heap);
    let text = diagnostics("balancer = \"nginx\"\nload_metric = \"heap\"", "");
    assert!(
        text.contains("cluster.load_metric: nginx does not support this value"),
        "{text}"
    );
}

#[test]
fn supported_policies_and_joins_are_accepted_and_no_others() {
    let policies = ["round-robin", "least-conn", "p2c", "random"];
    let joins = ["discovery", "reload", "runtime", "predeclared"];
    let accepts = |keys: String| parse("x", &scenario(&keys, ""), &[]).is_ok();
    for (word, balancer) in [
        ("none", BalancerKind::None),
        ("gateway", BalancerKind::Gateway),
        ("nginx", BalancerKind::Nginx),
        ("haproxy", BalancerKind::Haproxy),
    ] {
        let accepted = |key: &str, words: [&str; 4]| {
            let written = |value: &&str| format!("balancer = \"{word}\"\n{key} = \"{value}\"");
            words.iter().filter(|value| accepts(written(value))).count()
        };
        assert_eq!(
            accepted("policy", policies),
            balancer.policies().len(),
            "{word}"
        );
        assert_eq!(accepted("join", joins), balancer.joins().len(), "{word}");
    }
}

#[test]
fn settings_that_the_balancer_lacks_are_rejected_in_place() {
    expect![[r#"
        balanced.toml:5:8: cluster.join: nginx does not support this value
          |
        5 | join = "runtime"
          |        ^^^^^^^^^
          = found: "runtime"
          = expected: "reload" or "predeclared"

        balanced.toml:6:7: cluster.tls: TLS at nodes behind a balancer
          |
        6 | tls = true
          |       ^^^^
          = found: true (a truth value)
          = expected: false
          = hint: `balancer_tls = true` has sessions end at the balancer

        2 problems in balanced.toml"#]]
    .assert_eq(&diagnostics(
        "join = \"runtime\"\ntls = true\nbalancer = \"nginx\"",
        "",
    ));
    expect![[r#"
        balanced.toml:5:10: cluster.policy: without a balancer, clients rotate over the nodes
          |
        5 | policy = "p2c"
          |          ^^^^^
          = found: "p2c"
          = expected: "round-robin"
          = hint: set `balancer = "gateway"`, or another one

        balanced.toml:6:13: cluster.balancers: several balancers, and `balancer` is `none`
          |
        6 | balancers = 2
          |             ^
          = found: 2
          = expected: `balancers` beside `balancer = "gateway"`, or another one

        balanced.toml:7:16: cluster.balancer_tls: TLS at a balancer, and `balancer` is `none`
          |
        7 | balancer_tls = true
          |                ^^^^
          = found: true (a truth value)
          = expected: false
          = hint: `tls = true` is TLS at the nodes

        3 problems in balanced.toml"#]]
    .assert_eq(&diagnostics(
        "policy = \"p2c\"\nbalancers = 2\nbalancer_tls = true",
        "",
    ));
}

#[test]
fn rebalance_targets_the_whole_cluster() {
    let event =
        "[[events]]\nat = \"10s\"\ndo = \"rebalance\"\nrate = \"50/s\"\ntolerance = \"5%\"\n";
    let event = plan("balancer = \"gateway\"", event, &[]).events.remove(0);
    assert_eq!(event.node, CLUSTER_NAME);
    match event.action {
        Action::Rebalance { rate, tolerance } => {
            assert_eq!((rate.as_per_second(), tolerance), (50.0, 0.05));
        }
        action => panic!("{action:?}"),
    }
    let diagnostics = diagnostics(
        "balancer = \"gateway\"",
        "[[events]]\nat = \"10s\"\ndo = \"rebalance\"\nnode = \"n1\"\ntolerance = \"500%\"\n\
         [[events]]\nat = \"20s\"\ndo = \"kill-node\"\nnode = \"n1\"\nrate = \"5/s\"\n",
    );
    for text in [
        "events[0].rate: missing from this rebalance",
        "events[0].node: this event is for all nodes",
        "events[0].tolerance: out of range",
        "expected: a share, from \"1%\" to \"100%\"",
        "events[1].rate: only a rebalance has this key",
    ] {
        assert!(diagnostics.contains(text), "{text}: {diagnostics}");
    }
}

#[test]
fn matrix_has_a_cell_for_each_combination() {
    let cells = "[matrix]\nbalancer = [\"nginx\", \"gateway\"]\npolicy = [\"least-conn\", \"random\"]\nrepeat = 3\n";
    let matrix = matrix("", cells, &[]);
    let names: Vec<&str> = matrix.cells().map(|cell| &cell.name[..]).collect();
    assert_eq!(
        names,
        [
            "nginx-least-conn",
            "nginx-random",
            "gateway-least-conn",
            "gateway-random"
        ]
    );
    assert_eq!(matrix.runs(), 12);
    let systems = matrix.cells().map(|cell| &cell.plan.system);
    let resolved: Vec<_> = systems
        .map(|system| match system {
            SystemSpec::Cluster(cluster) => (cluster.balancer, cluster.policy, cluster.join),
            SystemSpec::Target(_) => panic!("a target"),
        })
        .collect();
    // Each cell gets the default `join` of its own balancer.
    assert_eq!(
        resolved,
        [
            (BalancerKind::Nginx, BalancerPolicy::LeastConn, Join::Reload),
            (BalancerKind::Nginx, BalancerPolicy::Random, Join::Reload),
            (
                BalancerKind::Gateway,
                BalancerPolicy::LeastConn,
                Join::Discovery
            ),
            (
                BalancerKind::Gateway,
                BalancerPolicy::Random,
                Join::Discovery
            ),
        ]
    );
}

#[test]
fn set_argument_replaces_its_list_of_the_matrix() {
    let cells = "[matrix]\npolicy = [\"least-conn\", \"p2c\"]\nbalancers = [1, 2]\n";
    let fixed = matrix("balancer = \"gateway\"", cells, &["cluster.policy=random"]);
    let names: Vec<&str> = fixed.cells().map(|cell| &cell.name[..]).collect();
    assert_eq!(names, ["1-balancers", "2-balancers"]);
    let fewer = matrix(
        "balancer = \"gateway\"",
        cells,
        &["matrix.policy=[\"p2c\"]"],
    );
    assert_eq!(fewer.cells().count(), 2);
}

#[test]
fn scenario_without_matrix_has_one_cell() {
    let matrix = matrix("", "", &[]);
    assert!(matrix.is_one_run());
    assert_eq!(matrix.first().plan, plan("", "", &[]));
    assert!(matrix.first().name.is_empty());
}

#[test]
fn problem_of_a_cell_is_listed_once_in_the_matrix() {
    let text = r#"name = "balanced"
duration = "60ms"
[cluster]
balancer = "gateway"
[[devices]]
name = "home"
count = 100
ramp = "50/s"
[matrix]
policy = ["p2c", "least-con"]
repeat = 0
"#;
    expect![[r#"
        balanced.toml:2:12: duration: too short
          |
        2 | duration = "60ms"
          |            ^^^^^^
          = found: "60ms"
          = expected: a duration with its unit (ms, s, m, h, d), from "1s" to "720h"

        balanced.toml:10:18: cluster.policy: not one of the values known here
           |
        10 | policy = ["p2c", "least-con"]
           |                  ^^^^^^^^^^^
           = found: "least-con"
           = expected: "round-robin" or "least-conn" or "p2c" or "random"
           = hint: did you mean `least-conn`?

        balanced.toml:11:10: matrix.repeat: out of range
           |
        11 | repeat = 0
           |          ^
           = found: 0
           = expected: a whole number from 1 to 20

        3 problems in balanced.toml"#]]
    .assert_eq(&parse("balanced.toml", text, &[]).unwrap_err().to_string());
}

#[test]
fn matrix_needs_a_cluster_and_has_a_bound() {
    let target = r#"name = "balanced"
duration = "60s"
[target]
ws = "ws://h/ws?device={device}"
[[devices]]
name = "home"
count = 100
ramp = "50/s"
[matrix]
policy = ["p2c"]
"#;
    let text = parse("balanced.toml", target, &[]).unwrap_err().to_string();
    assert!(
        text.contains("matrix: a matrix without a cluster"),
        "{text}"
    );
    let many = "[matrix]\nbalancer = [\"none\", \"gateway\", \"nginx\", \"haproxy\"]\n\
                policy = [\"round-robin\", \"least-conn\", \"p2c\", \"random\"]\n\
                balancers = [1, 2, 3, 4, 5]\n";
    let text = diagnostics("", many);
    assert!(text.contains("matrix: 80 cells"), "{text}");
}

#[test]
fn malformed_list_hints_at_the_form_that_was_meant() {
    let text = |policy: &str| {
        let cells = format!("[matrix]\npolicy = {policy}\n");
        let text = scenario("balancer = \"gateway\"", &cells);
        parse("balanced.toml", &text, &[]).unwrap_err().to_string()
    };
    assert!(text("[]").contains("matrix.policy: an empty list"));
    let twice = text(r#"["p2c", "random", "p2c"]"#);
    assert!(
        twice.contains(r#"matrix.policy: "p2c" is listed twice"#),
        "{twice}"
    );
    let one = text(r#""p2c""#);
    assert!(one.contains(r#"did you mean ["p2c"]?"#), "{one}");

    let text = scenario("balancer = \"gateway\"", "");
    let set = |value: &str| {
        let sets = [format!("matrix.policy={value}")];
        parse("balanced.toml", &text, &sets)
    };
    // The argument `--set matrix.policy=["p2c","random"]` after a shell removed its quotes.
    expect![[r#"
        --set matrix.policy=[p2c,random]: matrix.policy: not a list
          = found: "[p2c,random]"
          = expected: a list of up to 8 different values, each "round-robin" or "least-conn" or "p2c" or "random"
          = hint: did you mean '["p2c","random"]', with the single quotes for a shell?

        1 problem in balanced.toml"#]]
    .assert_eq(&set("[p2c,random]").unwrap_err().to_string());
    assert!(set(r#"["p2c","random"]"#).is_ok());
    let odd = set("[p2c, {]").unwrap_err().to_string();
    assert!(odd.contains("hint: its texts need quotes"), "{odd}");
}

#[test]
fn unknown_axis_and_unsupported_value_are_rejected_in_the_matrix() {
    let text = scenario(
        "",
        "[matrix]\nnodes = [2, 3]\nbalancer = [\"nginx\", \"haproxy\"]\njoin = [\"runtime\"]\n",
    );
    expect![[r#"
        balanced.toml:11:1: matrix.nodes: unknown key
           |
        11 | nodes = [2, 3]
           | ^^^^^
           = expected: `balancer`, `policy`, `join`, `balancers`, `repeat`

        balanced.toml:13:9: cluster.join: nginx does not support this value
           |
        13 | join = ["runtime"]
           |         ^^^^^^^^^
           = found: "runtime"
           = expected: "reload" or "predeclared"

        2 problems in balanced.toml"#]]
    .assert_eq(&parse("balanced.toml", &text, &[]).unwrap_err().to_string());
}

#[test]
fn description_names_balancer_and_cells() {
    let host = HostResources {
        files_per_process: 20_000,
        memory: None,
    };
    let keys = "balancer = \"haproxy\"\nbalancers = 2\nbalancer_tls = true";
    let page = describe(&plan(keys, "", &[]), &host);
    for text in [
        "2 balancers haproxy (b1 to b2)",
        "Each of 2 forwards",
        "with two open files",
    ] {
        assert!(page.contains(text), "{page}");
    }
    let cells = "[matrix]\npolicy = [\"least-conn\", \"p2c\"]\nrepeat = 2\n";
    let page = describe_matrix(&matrix("balancer = \"gateway\"", cells, &[]), &host);
    assert!(page.contains("2 cells, each 2 times"), "{page}");
    assert!(page.contains("policy least-conn"), "{page}");
    assert!(
        page.lines().all(|line| line.chars().count() <= 80),
        "{page}"
    );
}

#[test]
fn description_warns_of_a_balancer_with_too_many_files() {
    let small = HostResources {
        files_per_process: 10_000,
        memory: None,
    };
    let page = describe(&plan("balancer = \"gateway\"", "", &[]), &small);
    // Each of 9,000 sockets takes two files of a balancer.
    assert!(page.contains("18,000 of 10,000"), "{page}");
    assert!(page.contains("more than a process may open"), "{page}");
    let cells = "[matrix]\nbalancers = [2, 1]\n";
    let page = describe_matrix(&matrix("balancer = \"gateway\"", cells, &[]), &small);
    let excess = "1-balancers: balancers 1; 18,000 open files in a balancer";
    assert!(page.contains(excess), "{page}");
    assert!(!page.contains("2-balancers: balancers 2;"), "{page}");
}

#[test]
fn description_names_the_max_age_of_sockets() {
    let host = HostResources {
        files_per_process: 20_000,
        memory: None,
    };
    let page = describe(&plan("max_age = \"20m\"", "", &[]), &host);
    let page: Vec<&str> = page.split_whitespace().collect();
    let age = "sockets are closed when they are 15m to 20m old";
    assert!(page.join(" ").contains(age), "{}", page.join(" "));
}
