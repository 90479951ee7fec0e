//! The broker, messages per command, and CPU cores.

use highwater_reports::record::{SourceRole, names::gauge};

use crate::run::{self, TestRun, line};

/// Messages that the broker receives each second, from the start of the run.
const IN_PER_S: f64 = 40.0;
/// Messages that each node sends each second of the steady phase.
const SENT_PER_S: f64 = 30.0;

/// Creates a run with a broker, and nodes that send in the steady phase. Samples are taken
/// `late` seconds after each whole second, as the harness takes them.
fn with_broker_traffic(late: f64) -> TestRun {
    let mut run = TestRun::clean();
    let end = run::RAMP_S + run::STEADY_S + run::DRAIN_S;
    run.intervals
        .retain(|line| line.source.role != SourceRole::Node);
    for second in 0..=end {
        let at = second as f64 + late;
        let steady = second.clamp(run::RAMP_S, run::RAMP_S + run::STEADY_S) - run::RAMP_S;
        for node in ["n1", "n2"] {
            let gauges = [
                (gauge::UP, 1.0),
                (gauge::BACKPLANE_SENT, 500.0 + steady as f64 * SENT_PER_S),
                (gauge::BACKPLANE_RECEIVED, steady as f64 * SENT_PER_S),
                (gauge::CPU, 1.0 + steady as f64 * 0.25),
            ];
            run.intervals
                .push(line(SourceRole::Node, node, at, 0.0, &gauges));
        }
        let gauges = [
            (gauge::UP, 1.0),
            (gauge::RSS, 8e6 + second as f64),
            (gauge::CPU, 3.0 + steady as f64 * 0.1),
            (gauge::BROKER_CLIENTS, 5.0),
            (gauge::BROKER_MESSAGES_IN, 7.0 + second as f64 * IN_PER_S),
        ];
        run.intervals
            .push(line(SourceRole::Broker, "broker", at, 0.0, &gauges));
    }
    run
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    let tolerance = 1e-9 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= tolerance, "{found} {expected}");
}

#[test]
fn messages_per_command_cover_the_steady_phase_despite_late_samples() {
    for late in [0.0, 0.01, 0.2] {
        let summary = with_broker_traffic(late).summary();
        let backplane = summary.backplane.unwrap();
        let sent = 2 * run::STEADY_S * SENT_PER_S as u64;
        assert_eq!(backplane.sent, Some(sent), "late {late}");
        // Two workers send commands.
        let commands = (run::COMMANDS_PER_S * 2 * run::STEADY_S) as f64;
        near(backplane.sent_per_command, sent as f64 / commands);
        near(backplane.received_per_command, sent as f64 / commands);
        near(summary.cpu_cores.nodes, 0.5);
        near(summary.cpu_cores.broker, 0.1);
    }
}

#[test]
fn broker_has_only_the_metrics_that_it_reports() {
    let broker = with_broker_traffic(0.01).summary().brokers.remove(0);
    assert_eq!(broker.process.id, "broker");
    assert_eq!(broker.process.rss_peak, Some(8_000_027));
    assert_eq!(broker.clients_peak, Some(5));
    let seconds = run::RAMP_S + run::STEADY_S + run::DRAIN_S;
    assert_eq!(broker.messages_in, Some(seconds * IN_PER_S as u64));
    near(broker.messages_in_per_s, IN_PER_S);
    for absent in [
        broker.messages_out,
        broker.bytes_in,
        broker.bytes_out,
        broker.slow_consumers,
        broker.channels_peak,
        broker.backlog_peak,
        broker.process.heap_peak,
    ] {
        assert_eq!(absent, None, "an unmeasured metric is not 0");
    }
}

#[test]
fn node_without_a_report_makes_the_sum_unknown() {
    let mut run = with_broker_traffic(0.01);
    for line in &mut run.intervals {
        if line.source.id == "n2" {
            line.gauges.remove(gauge::CPU);
            line.gauges.remove(gauge::BACKPLANE_SENT);
        }
    }
    let summary = run.summary();
    assert_eq!(summary.cpu_cores.nodes, None);
    let backplane = summary.backplane.unwrap();
    assert_eq!(backplane.sent_per_command, None);
    assert!(backplane.received_per_command.is_some());
    assert_eq!(
        TestRun::clean().summary().backplane,
        None,
        "no node reports anything"
    );
}

#[test]
fn run_without_commands_has_no_metric_per_command() {
    let mut run = with_broker_traffic(0.01);
    for line in &mut run.intervals {
        line.counters.clear();
    }
    assert_eq!(run.summary().backplane.unwrap().sent_per_command, None);
}

/// Operations of each kind that the provider bills to each node each second.
const BILLED_PER_S: f64 = 3.0;
/// The prices of all kinds together, in US dollars for a million of each.
const ALL_PRICES: f64 = 0.30 + 0.01 + 3.0 * 0.50 + 0.125 + 0.625;

/// Creates a run whose nodes count what a provider bills.
fn with_billed_operations() -> TestRun {
    let kinds = [
        gauge::BILLED_SNS_PUBLISH,
        gauge::BILLED_SNS_DELIVERY,
        gauge::BILLED_SQS_SEND,
        gauge::BILLED_SQS_RECEIVE,
        gauge::BILLED_SQS_DELETE,
        gauge::BILLED_DYNAMODB_READ,
        gauge::BILLED_DYNAMODB_WRITE,
    ];
    let mut run = with_broker_traffic(0.01);
    for line in &mut run.intervals {
        if line.source.role == SourceRole::Node {
            let count = line.at * BILLED_PER_S;
            line.gauges.insert(gauge::BILLED.into(), count * 7.0);
            line.gauges.extend(kinds.map(|kind| (kind.into(), count)));
        }
    }
    run
}

#[test]
fn billed_operations_cost_what_the_price_list_says_per_command() {
    let backplane = with_billed_operations().summary().backplane.unwrap();
    let commands = (run::COMMANDS_PER_S * 2) as f64;
    let of_each_kind = 2.0 * BILLED_PER_S / commands;
    near(backplane.billed_per_command, 7.0 * of_each_kind);
    let usd = backplane.estimated_usd_per_million_commands;
    near(usd, of_each_kind * ALL_PRICES);
    assert_eq!(backplane.billed_per_idle_node_hour, None, "no node is idle");
    assert_eq!(backplane.estimated_usd_per_idle_node_hour, None);
}

#[test]
fn idle_node_costs_per_hour_what_the_price_list_says() {
    let mut run = with_billed_operations();
    run.manifest.plan.commands.clear();
    for line in &mut run.intervals {
        line.counters.clear();
    }
    let backplane = run.summary().backplane.unwrap();
    near(
        backplane.billed_per_idle_node_hour,
        7.0 * BILLED_PER_S * 3600.0,
    );
    let usd = backplane.estimated_usd_per_idle_node_hour;
    near(usd, BILLED_PER_S * 3600.0 * ALL_PRICES / 1e6);
    assert_eq!(backplane.estimated_usd_per_million_commands, None);
}

#[test]
fn cost_without_a_billed_kind_is_unknown() {
    let mut run = with_billed_operations();
    for line in &mut run.intervals {
        line.gauges.remove(gauge::BILLED_SQS_DELETE);
    }
    let backplane = run.summary().backplane.unwrap();
    assert!(backplane.billed_per_command.is_some());
    assert_eq!(backplane.estimated_usd_per_million_commands, None);
    let unbilled = with_broker_traffic(0.01).summary().backplane.unwrap();
    assert_eq!((unbilled.billed, unbilled.billed_per_command), (None, None));
}
