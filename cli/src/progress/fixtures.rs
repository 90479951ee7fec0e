//! Progress of invented runs, for the tests of the display.

use std::time::Duration;

use highwater_loadgen::coordinator::{
    PhaseProgress, Progress,
    progress::{
        CommandProgress, ExchangeProgress, HeartbeatProgress, MessageProgress, NodeProgress,
        RecentLatency, TelemetryProgress, UpcomingAction,
    },
};

/// Returns the progress of two nodes in the ramp.
pub(super) fn ramp() -> Progress {
    Progress {
        at: Duration::from_secs(5),
        phase: PhaseProgress::Ramp {
            sockets: 1_000,
            remaining: Duration::from_millis(2_900),
        },
        sockets_wanted: 430,
        sockets_planned: 1_500,
        sockets_open: 412,
        heartbeats: HeartbeatProgress {
            per_s: 61.0,
            ..HeartbeatProgress::default()
        },
        commands: Some(CommandProgress::default()),
        nodes: (1..=2).map(|n| (format!("n{n}"), node(n))).collect(),
        ..Progress::default()
    }
}

/// Returns two nodes in the steady phase, one of them killed, and a late worker.
pub(super) fn outage() -> Progress {
    let mut progress = Progress {
        at: Duration::from_secs(41),
        phase: PhaseProgress::Steady {
            elapsed: Duration::from_secs(31),
            duration: Duration::from_secs(120),
            next_action: Some(UpcomingAction {
                after: Duration::from_secs(39),
                title: "restart-node n2".to_owned(),
            }),
        },
        sockets_wanted: 1_000,
        sockets_open: 640,
        heartbeats: HeartbeatProgress {
            per_s: 128.4,
            missed: 17,
            response_time: response(310, 1_200),
        },
        commands: Some(CommandProgress {
            per_s: 93.0,
            response_time: response(520, 2_013_000),
            timed_out: 4,
            not_connected: 112,
            failed: 3,
            ..CommandProgress::default()
        }),
        send_lag: Some(("w1".to_owned(), Duration::from_micros(14_700))),
        ..ramp()
    };
    progress.nodes.insert(
        "n2".to_owned(),
        NodeProgress {
            up: Some(false),
            ..NodeProgress::default()
        },
    );
    progress
}

/// Returns messages of devices, of which some had no answer.
pub(super) fn exchanges() -> Progress {
    Progress {
        commands: None,
        exchanges: Some(ExchangeProgress {
            per_s: 200.0,
            response_time: response(1_100, 7_200),
            unanswered: 3,
        }),
        ..outage()
    }
}

/// Returns messages and telemetry after an outage of the broker.
pub(super) fn traffic() -> Progress {
    Progress {
        commands: None,
        messages: Some(MessageProgress {
            per_s: 24_988.0,
            latency: response(2_100, 48_000),
            missing: 12,
        }),
        telemetry: Some(TelemetryProgress {
            per_s: 1_000.0,
            response_time: response(900, 3_000),
            rejected: 1_340,
        }),
        ..outage()
    }
}

/// Returns fifty-five nodes in the drain, one of them down.
pub(super) fn drain() -> Progress {
    let mut nodes: Vec<_> = (1..=55).map(|n| (format!("n{n}"), node(n))).collect();
    nodes[41].1.up = Some(false);
    Progress {
        at: Duration::from_secs(3_725),
        phase: PhaseProgress::Drain,
        sockets_wanted: 0,
        sockets_planned: 1_000_000,
        sockets_open: 312_008,
        heartbeats: HeartbeatProgress {
            per_s: 49_123.0,
            missed: 0,
            response_time: response(95_400, 812_000),
        },
        commands: None,
        nodes: nodes.into_iter().collect(),
        ..Progress::default()
    }
}

fn node(number: u64) -> NodeProgress {
    NodeProgress {
        up: Some(true),
        sockets: Some(200 + number),
        rss: Some((20 << 20) + number * 500_000),
        heap: (number != 2).then_some(3_400_000),
        open_files: Some(230 + number),
        cpu: Some(0.01 * number as f64),
    }
}

fn response(p50: u64, p99: u64) -> Option<RecentLatency> {
    Some(RecentLatency {
        p50: Duration::from_micros(p50),
        p99: Duration::from_micros(p99),
    })
}
