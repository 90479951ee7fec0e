//! A ramp that did not keep to its rate, and what limited it.

use highwater_scenarios::{Plan, plan::PhaseWindow};
use highwater_types::format;

use super::{distribution::Distribution, run_window::RunWindow, sockets::SocketSummary};
use crate::record::{
    SourceRole,
    names::{counter, latency},
};

/// Time by which a ramp may be longer than planned, rounded up to a second: both phases begin at
/// whole seconds, the steady one two of them after the last socket, and the coordinator learns of
/// the last socket up to a second later.
const SLACK_S: f64 = 5.0;

/// Send lag above which the harness itself was late, in milliseconds.
const LATE_MS: f64 = 100.0;

/// The limits that a ramp met.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct RampLimits {
    /// Time for which a condition held it, in seconds: the longest of a worker.
    held_s: f64,
    /// Time for which it waited for attempts under way, in seconds: the longest of a worker.
    full_s: f64,
    /// 99th percentile of the send lag in the ramp, in milliseconds.
    send_lag_ms: Option<f64>,
    planned_s: f64,
    /// Sockets that never opened.
    unopened: u64,
    /// `None` where the steady phase was not reached.
    took_s: Option<f64>,
}

/// Returns the limits that kept the ramp from its rate, in words.
pub(super) fn problems(window: &RunWindow, sockets: &SocketSummary) -> Vec<String> {
    let (plan, phases) = (&window.record.manifest.plan, &window.record.phases);
    let limits = RampLimits {
        held_s: longest_s(window, counter::RAMP_HELD_MS),
        full_s: longest_s(window, counter::RAMP_FULL_MS),
        send_lag_ms: send_lag_p99_ms(window),
        unopened: sockets.failed,
        planned_s: plan.planned_ramp().as_secs_f64(),
        took_s: phases
            .steady
            .zip(phases.ramp)
            .map(|(steady, ramp)| steady - ramp),
    };
    in_words(plan, &limits)
}

/// Returns the largest p99 of the send lag of a worker in the ramp.
fn send_lag_p99_ms(window: &RunWindow) -> Option<f64> {
    let latencies = &window.record.latencies;
    let tags = latencies
        .tags()
        .filter(|tag| tag.starts_with(latency::SEND_LAG));
    let lags =
        tags.filter_map(|tag| Distribution::of(latencies.window(tag, PhaseWindow::Ramp)).p99);
    lags.max_by(f64::total_cmp)
}

/// Returns the largest sum of a counter of milliseconds over the workers, in seconds.
fn longest_s(window: &RunWindow, name: &str) -> f64 {
    let workers = window.sources.with_role(SourceRole::Worker);
    let sums = workers.map(|(_, series)| -> u64 {
        let rows = series.rows_in(window.range());
        rows.map(|row| row.counter(name)).sum()
    });
    sums.max().unwrap_or(0) as f64 / 1000.0
}

fn in_words(plan: &Plan, limits: &RampLimits) -> Vec<String> {
    let mut problems = Vec::new();
    let pools = || plan.devices.iter();
    if limits.held_s > 0.0 {
        let holds = pools().filter_map(|pool| pool.ramp_control.hold_when);
        let holds: Vec<String> = holds.map(|hold| hold.to_string()).collect();
        problems.push(format!(
            "the ramp was held for {}, while {}",
            format::seconds(limits.held_s),
            holds.join(" or "),
        ));
    }
    if limits.full_s > 0.0 {
        problems.push(format!(
            "the ramp could not hold its rate for {}: the target was slow, and a worker had as \
             many attempts under way as it may (max_connecting)",
            format::seconds(limits.full_s)
        ));
    }
    let is_explained = limits.held_s + limits.full_s > 0.0;
    let is_late = limits.send_lag_ms.is_some_and(|lag| lag > LATE_MS);
    if let Some(took_s) = limits
        .took_s
        .filter(|took_s| *took_s > limits.planned_s.ceil() + SLACK_S)
        && !is_explained
    {
        problems.push(format!(
            "the ramp took {} in place of {}: {}",
            format::seconds(took_s),
            format::seconds(limits.planned_s),
            match (limits.unopened, is_late) {
                // A ramp waits for the attempts that follow a failed one.
                (unopened @ 1.., _) =>
                    format!("{} did not open", format::plural(unopened, "socket")),
                (0, true) => "a worker opened its sockets late".to_owned(),
                (0, false) => "the target answered late".to_owned(),
            }
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limits: RampLimits, expected: &[&str]) {
        let text = r#"
            name = "ramp"
            duration = "1m"
            [target]
            ws = "ws://h/"
            dialect = "plain"
            [[devices]]
            name = "home"
            count = 100
            ramp = { rate = "10/s", hold_when = "connect.p99 > 1s" }
        "#;
        let plan = highwater_scenarios::parse("ramp.toml", text, &[]).expect("a valid scenario");
        assert_eq!(in_words(&plan, &limits), expected);
    }

    #[test]
    fn limit_of_a_ramp_is_named() {
        let planned = RampLimits {
            planned_s: 10.0,
            took_s: Some(12.0),
            ..RampLimits::default()
        };
        check(planned, &[]);
        // Whole seconds around a ramp of 9.2 s that kept to its rate.
        let rounded = RampLimits {
            planned_s: 9.2,
            took_s: Some(15.0),
            ..planned
        };
        check(rounded, &[]);
        let held = RampLimits {
            held_s: 7.5,
            took_s: Some(19.0),
            ..planned
        };
        check(
            held,
            &["the ramp was held for 7.5 s, while connect.p99 > 1s"],
        );
        let full = RampLimits {
            full_s: 2.0,
            ..planned
        };
        let slow = "the ramp could not hold its rate for 2 s: the target was slow, and a worker \
                    had as many attempts under way as it may (max_connecting)";
        check(full, &[slow]);
        let late = RampLimits {
            took_s: Some(20.0),
            send_lag_ms: Some(900.0),
            ..planned
        };
        check(
            late,
            &["the ramp took 20 s in place of 10 s: a worker opened its sockets late"],
        );
        let answered_late = RampLimits {
            send_lag_ms: Some(2.0),
            ..late
        };
        check(
            answered_late,
            &["the ramp took 20 s in place of 10 s: the target answered late"],
        );
        check(
            RampLimits {
                unopened: 40,
                ..late
            },
            &["the ramp took 20 s in place of 10 s: 40 sockets did not open"],
        );
        check(
            RampLimits {
                took_s: None,
                ..late
            },
            &[],
        );
    }
}
