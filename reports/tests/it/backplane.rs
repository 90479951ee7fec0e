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
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
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
