//! Keys and metrics under the names that they had before schema 2.

use expect_test::expect;
use highwater_scenarios::{parse, parse_matrix};

const OLD: &str = r#"name = "old"
duration = "60s"
[cluster]
nodes = 2
balancer = "gateway"
load = "sockets"
gateways = 2
consumers = 1
handle_time = "1ms"
lose_every = 10
[[devices]]
name = "home"
count = 10
ramp = "10/s"
give_up_after = 3
[[readings]]
rate = "1/s"
[[events]]
at = "1s"
do = "fault"
node = "n1"
fault = "stall"
length = "1s"
[[events]]
at = "2s"
do = "rebalance"
rate = "1/s"
band = "5%"
[[gates]]
check = "processors.nodes <= 1"
[[gates]]
check = "readings.refused == 0"
[[gates]]
check = "readings.response.p99 <= 1s"
[[gates]]
check = "balance.longest_settling <= 1s"
[[gates]]
check = "cost_per_socket.gateway_rss <= 4KiB"
[matrix]
gateways = [1, 2]
"#;

fn hints(diagnostics: &str) -> String {
    let hints = diagnostics.lines().filter(|line| line.contains("= hint:"));
    hints.map(str::trim).collect::<Vec<_>>().join("\n")
}

#[test]
fn old_name_in_a_file_is_answered_with_the_new_one() {
    let diagnostics = parse_matrix("old.toml", OLD, &[]).unwrap_err().to_string();
    expect![[r#"
        = hint: `load` is called `load_metric` now
        = hint: `gateways` is called `balancers` now
        = hint: `handle_time` is called `processing_time` now
        = hint: `lose_every` is called `drop_every` now
        = hint: `give_up_after` is called `max_missed` now
        = hint: `readings` is called `telemetry` now
        = hint: `length` is called `duration` now
        = hint: `band` is called `tolerance` now
        = hint: `processors.nodes` is called `cpu_cores.nodes` now
        = hint: `readings.refused` is called `telemetry.rejected` now
        = hint: `readings.response.p99` is called `telemetry.response.p99` now
        = hint: `balance.longest_settling` is called `balance.longest_recovery` now
        = hint: `cost_per_socket.gateway_rss` is called `cost_per_socket.balancer_rss` now
        = hint: `gateways` is called `balancers` now"#]]
    .assert_eq(&hints(&diagnostics));
}

#[test]
fn old_name_in_set_is_answered_with_the_new_one() {
    let sets = [
        "devices.home.give_up_after=3",
        "cluster.lose_every=3",
        "readings.r.rate=1/s",
        "gates=[{ check = \"readings.lost == 0\" }]",
    ];
    let sets: Vec<String> = sets.map(str::to_owned).into();
    let diagnostics = parse("base.toml", crate::BASE, &sets).unwrap_err();
    expect![[r#"
        --set devices.home.give_up_after=3: devices.home.give_up_after: unknown key
          = expected: `name`, `count`, `ramp`, `start`, `heartbeat`, `max_missed`, `connect_timeout`, `max_message`, `reconnect`, `separator`, `open`, `answer`, `count_messages`, `close`, `subscribe`, `data`, `login`
          = hint: `give_up_after` is called `max_missed` now

        --set cluster.lose_every=3: cluster.lose_every: unknown key
          = expected: `nodes`, `backplane`, `broker`, `telemetry`, `telemetry_broker`, `balancer`, `policy`, `load_metric`, `routing`, `join`, `balancers`, `balancer_tls`, `max_age`, `tls`, `auth`, `consumers`, `processing_time`, `drop_every`
          = hint: `lose_every` is called `drop_every` now

        --set readings.r.rate=1/s: readings: unknown key
          = expected: `name`, `description`, `seed`, `duration`, `cluster`, `target`, `devices`, `commands`, `messages`, `publish`, `telemetry`, `events`, `gates`, `matrix`
          = hint: `readings` is called `telemetry` now

        --set gates=[{ check = \"readings.lost == 0\" }]: gates[0].check: unknown metric `readings.lost`
          = found: "readings.lost == 0"
          = expected: a metric of `sockets`, `login`, `heartbeats`, `frames`, `commands`, `exchanges`, `messages`, `backplane`, `nodes`, `cpu_cores`, `exits`, `telemetry`, `balance`, `cost_per_socket`, `observe`
          = hint: `readings.lost` is called `telemetry.lost` now

        4 problems in base.toml"#]].assert_eq(&diagnostics.to_string());
}
