//! A very large run: two hours of 55 nodes and 55 workers.

use std::path::Path;

use highwater_reports::record::{
    Interval, RecordEvent, RunEnd, SourceRole, TimedEvent,
    names::{counter, gauge, latency},
};
use highwater_scenarios::plan::PhaseWindow;

use crate::run::{TestRun, action, line};

const NODES: u64 = 55;
const WORKERS: u64 = 55;
const RAMP_S: f64 = 300.0;
const END_S: f64 = 7_200.0;
/// Length of a row, as the harness writes it after an hour. A report from rows of a second
/// is the same, but takes a debug build too long.
const LINE_S: f64 = 10.0;
const SOCKETS_EACH: f64 = 18_000.0;

/// Writes the record of the run.
pub(crate) fn large(dir: &Path) {
    let mut run = TestRun::clean();
    run.intervals.clear();
    run.latencies.clear();
    run.events = events();
    let lines = (END_S / LINE_S) as u64;
    for at in (0..lines).map(|index| index as f64 * LINE_S) {
        run.intervals
            .extend((1..=NODES).map(|index| node(index, at)));
        run.intervals
            .extend((1..=WORKERS).map(|index| worker(index, at)));
        if at >= RAMP_S {
            for tag in [
                latency::HEARTBEAT_RESPONSE,
                latency::HEARTBEAT_SERVICE,
                latency::COMMAND_RESPONSE,
                latency::COMMAND_SERVICE,
            ] {
                let slow = 1 + wave(at, 7) as u64;
                run.add_latency(tag, at, &[1, 2, 3, 5, slow]);
            }
        }
    }
    run.write(dir);
}

fn node(index: u64, at: f64) -> Interval {
    let open = open(at);
    let noise = wave(at, index) * 1e4;
    let gauges = [
        (gauge::UP, 1.0),
        (gauge::SOCKETS_OPEN, open),
        (gauge::SOCKETS_ACCEPTED, open),
        (
            gauge::RSS,
            9e6 + index as f64 * 1e5 + open * 1_000.0 + noise,
        ),
        (gauge::HEAP, 2e6 + open * 900.0 + noise),
        (gauge::OPEN_FILES, 12.0 + open),
        (gauge::CPU, at * 0.2 + wave(at, index) * 0.01),
        (gauge::STARTED_AT, 1.8e9),
    ];
    line(
        SourceRole::Node,
        &format!("n{index}"),
        at + 0.5,
        0.0,
        &gauges,
    )
}

fn worker(index: u64, at: f64) -> Interval {
    let open = open(at);
    let gauges = [
        (gauge::SOCKETS_OPEN, open),
        (gauge::HEARTBEATS_PENDING, 0.0),
        (gauge::RSS, 12e6 + open * 1_500.0),
        (gauge::OPEN_FILES, 20.0 + open),
        (gauge::CPU, at * 0.1 + wave(at, index) * 0.01),
    ];
    let mut line = line(
        SourceRole::Worker,
        &format!("w{index}"),
        at,
        LINE_S,
        &gauges,
    );
    let opened = (open - self::open(at - LINE_S)).max(0.0) as u64;
    let beats = (open / 2.0) as u64;
    let failures = wave(at, index) as u64 % 3;
    for (name, count) in [
        (counter::SOCKETS_DUE, opened),
        (counter::SOCKETS_OPENED, opened),
        (counter::HEARTBEATS_DUE, beats),
        (counter::HEARTBEATS_SENT, beats),
        (counter::HEARTBEATS_ACKNOWLEDGED, beats),
        ("disconnect.reset", failures),
        ("connect.failed.refused", failures / 2),
        ("connect.failed.timeout", failures),
    ] {
        line.counters.insert(name.to_owned(), count);
    }
    line
}

/// Returns the sockets of each process at the end of a row.
fn open(at: f64) -> f64 {
    (SOCKETS_EACH * ((at + LINE_S) / RAMP_S).min(1.0)).floor()
}

/// Returns a number from 0 to 100 that varies without a pattern.
fn wave(at: f64, index: u64) -> f64 {
    let mixed = (at as u64 * 31 + index * 17).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as f64 % 101.0
}

fn events() -> Vec<TimedEvent> {
    let phase = |at, phase| TimedEvent {
        at,
        kind: RecordEvent::Phase { phase },
    };
    let mut events = vec![
        phase(0.0, PhaseWindow::Ramp),
        phase(RAMP_S, PhaseWindow::Steady),
    ];
    events.extend((0..12).map(|index| TimedEvent {
        at: 1_000.0 + f64::from(index) * 400.0,
        kind: action("restart-node", &format!("n{}", index + 1)),
    }));
    events.push(TimedEvent {
        at: END_S,
        kind: RecordEvent::End {
            ended: RunEnd::Completed,
        },
    });
    events
}
