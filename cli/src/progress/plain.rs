//! The display elsewhere: lines of text for a file, a CI job's log, a `grep`.
//!
//! Each begins with the time and one word: `phase`, `event`, `problem`, or the phase's
//! name in a line about the current state.

use std::time::Duration;

use highwater_loadgen::coordinator::{
    NoteKind, PhaseProgress, Progress, ProgressNote,
    progress::{CommandProgress, RecentLatency},
};
use highwater_types::format::{
    count,
    live::{self, long_clock, millis},
    visible,
};

use super::{
    load_lines::{high_send_lag, is_steady, silent_workers, unanswered},
    phase_line::phase_name,
};

/// Seconds between two lines at first, and from the second minute on.
const STATUS_INTERVALS_S: (u64, u64) = (5, 10);

/// A display that appends lines.
#[derive(Debug, Default)]
pub(crate) struct PlainDisplay {
    phase: &'static str,
    /// Seconds on the run's clock at which the next line about the state is due.
    next_status_s: u64,
}

impl PlainDisplay {
    /// Returns the lines to write now, if any.
    pub(crate) fn progress(&mut self, progress: &Progress) -> Vec<String> {
        let mut lines = Vec::new();
        let (now, phase) = (progress.at.as_secs(), phase_name(&progress.phase));
        if self.phase != phase {
            self.phase = phase;
            self.next_status_s = now + STATUS_INTERVALS_S.0;
            lines.push(line(progress.at, "phase", &phase_start_text(progress)));
        }
        if now >= self.next_status_s {
            let (first, later) = STATUS_INTERVALS_S;
            let every = if now < 60 { first } else { later };
            self.next_status_s = (now / every + 1) * every;
            lines.push(line(progress.at, phase, &status_text(progress)));
        }
        lines
    }

    /// Returns the line for an event or a problem.
    pub(crate) fn note(&self, note: &ProgressNote) -> String {
        let word = match note.kind {
            NoteKind::Event => "event",
            NoteKind::Problem => "problem",
        };
        // A note may quote another process.
        line(note.at, word, &visible(&note.text))
    }
}

fn line(at: Duration, word: &str, text: &str) -> String {
    // The longest word is `starting`. Aligned, so that the log can be read in columns.
    format!("{} {word:<8} {text}", long_clock(at))
}

fn phase_start_text(progress: &Progress) -> String {
    let name = phase_name(&progress.phase);
    let text = match &progress.phase {
        PhaseProgress::Starting => "nodes and workers are ready".to_owned(),
        PhaseProgress::Ramp { sockets, remaining } => {
            let left = live::duration(*remaining);
            format!("{} sockets in {left}", count(*sockets))
        }
        PhaseProgress::Steady {
            duration,
            next_action,
            ..
        } => {
            let next = next_action.as_ref().map_or_else(String::new, |next| {
                format!(", next {} in {}", next.title, live::duration(next.after))
            });
            format!("{}{next}", live::duration(*duration))
        }
        PhaseProgress::Drain => format!("{} sockets to close", count(progress.sockets_open)),
    };
    format!("{name}: {text}")
}

/// Returns the state in one line, with numbers at the same place in each line.
fn status_text(progress: &Progress) -> String {
    let planned = progress.sockets_planned.to_string();
    let width = planned.len();
    let mut parts = vec![format!(
        "sockets {:>width$}/{planned}",
        progress.sockets_open
    )];
    let up = progress.nodes.values().filter(|node| node.up == Some(true));
    // A run against a target knows no nodes.
    if !progress.nodes.is_empty() {
        parts.push(format!("nodes {}/{}", up.count(), progress.nodes.len()));
    }
    let beats = &progress.heartbeats;
    let text = traffic("heartbeats", beats.per_s, beats.response_time);
    parts.push(format!("{text} missed {:<3}", beats.missed));
    if is_steady(progress) {
        parts.extend(progress.commands.as_ref().map(commands));
        parts.extend(progress.exchanges.as_ref().map(|load| {
            let text = traffic("exchanges", load.per_s, load.response_time);
            format!("{text} unanswered {}", load.unanswered)
        }));
        parts.extend(progress.messages.as_ref().map(|load| {
            let text = traffic("messages", load.per_s, load.latency);
            format!("{text} missing {}", load.missing)
        }));
        parts.extend(progress.telemetry.as_ref().map(|load| {
            let text = traffic("telemetry", load.per_s, load.response_time);
            format!("{text} rejected {}", load.rejected)
        }));
    }
    parts.extend(high_send_lag(progress).map(|lag| format!("send lag {lag}")));
    parts.extend(silent_workers(progress));
    parts.join("  ").trim_end().to_owned()
}

fn commands(load: &CommandProgress) -> String {
    let text = traffic("commands", load.per_s, load.response_time);
    format!("{text} {}", unanswered(load)).trim_end().to_owned()
}

fn traffic(name: &str, per_s: f64, latency: Option<RecentLatency>) -> String {
    // Without separators, so that other programs read the rate as a number.
    let rate = live::rate(per_s).replace(',', "");
    let [p50, p99] = match latency {
        Some(RecentLatency { p50, p99 }) => [p50, p99].map(millis),
        None => ["-", "-"].map(str::to_owned),
    };
    format!("{name} {rate:>6}/s p50 {p50:>7} p99 {p99:>7}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::progress::fixtures::{drain, exchanges, outage, ramp, traffic};

    fn at(second: u64, progress: Progress) -> Progress {
        Progress {
            at: Duration::from_secs(second),
            ..progress
        }
    }

    #[test]
    fn lines_begin_with_the_time_and_one_word() {
        let mut plain = PlainDisplay::default();
        let mut lines = Vec::new();
        for second in 0..=32 {
            let progress = match second {
                0 | 1 => Progress::default(),
                2..=9 => ramp(),
                10..=29 => outage(),
                _ => drain(),
            };
            lines.extend(plain.progress(&at(second, progress)));
        }
        for (kind, text) in [
            (NoteKind::Event, "kill-node n2"),
            (NoteKind::Problem, "n2 ended by itself: killed by SIGKILL"),
        ] {
            lines.push(plain.note(&ProgressNote {
                at: Duration::from_secs(3_661),
                kind,
                text: text.to_owned(),
            }));
        }
        expect![[r#"
            00:00:00 phase    starting: nodes and workers are ready
            00:00:02 phase    ramp: 1,000 sockets in 3s
            00:00:07 ramp     sockets  412/1500  nodes 2/2  heartbeats     61/s p50       - p99       - missed 0
            00:00:10 phase    steady: 2m, next restart-node n2 in 39s
            00:00:15 steady   sockets  640/1500  nodes 1/2  heartbeats    128/s p50 0.31 ms p99 1.20 ms missed 17   commands     93/s p50 0.52 ms p99  2.01 s timed out 4, not connected 112, failed 3  send lag p99 14.7 ms on w1
            00:00:20 steady   sockets  640/1500  nodes 1/2  heartbeats    128/s p50 0.31 ms p99 1.20 ms missed 17   commands     93/s p50 0.52 ms p99  2.01 s timed out 4, not connected 112, failed 3  send lag p99 14.7 ms on w1
            00:00:25 steady   sockets  640/1500  nodes 1/2  heartbeats    128/s p50 0.31 ms p99 1.20 ms missed 17   commands     93/s p50 0.52 ms p99  2.01 s timed out 4, not connected 112, failed 3  send lag p99 14.7 ms on w1
            00:00:30 phase    drain: 312,008 sockets to close
            01:01:01 event    kill-node n2
            01:01:01 problem  n2 ended by itself: killed by SIGKILL"#]].assert_eq(&lines.join("\n"));
    }

    #[test]
    fn status_line_includes_messages_and_telemetry() {
        let mut plain = PlainDisplay::default();
        plain.progress(&at(0, traffic()));
        let lines = plain.progress(&at(5, traffic()));
        expect!["00:00:05 steady   sockets  640/1500  nodes 1/2  heartbeats    128/s p50 0.31 ms p99 1.20 ms missed 17   messages  24988/s p50 2.10 ms p99 48.0 ms missing 12  telemetry   1000/s p50 0.90 ms p99 3.00 ms rejected 1340  send lag p99 14.7 ms on w1"].assert_eq(&lines.join("\n"));
    }

    #[test]
    fn status_line_includes_messages_of_devices() {
        let mut plain = PlainDisplay::default();
        plain.progress(&at(0, exchanges()));
        let lines = plain.progress(&at(5, exchanges()));
        expect!["00:00:05 steady   sockets  640/1500  nodes 1/2  heartbeats    128/s p50 0.31 ms p99 1.20 ms missed 17   exchanges    200/s p50 1.10 ms p99 7.20 ms unanswered 3  send lag p99 14.7 ms on w1"].assert_eq(&lines.join("\n"));
    }

    #[test]
    fn silent_workers_and_no_escape_sequences_are_shown() {
        let mut plain = PlainDisplay::default();
        let silent = |second| Progress {
            silent_workers: (1..=5)
                .map(|worker| (format!("w{worker}"), Duration::from_secs(7)))
                .collect(),
            ..at(second, ramp())
        };
        plain.progress(&silent(0));
        let lines = plain.progress(&silent(5)).join("\n");
        let expected = "w1 silent for 7s, w2 silent for 7s, w3 silent for 7s and 2 more";
        assert!(lines.ends_with(expected), "{lines}");
        let note = plain.note(&ProgressNote {
            at: Duration::ZERO,
            kind: NoteKind::Problem,
            text: "worker w1 is lost: \u{1b}[2J".to_owned(),
        });
        assert_eq!(note, "00:00:00 problem  worker w1 is lost: \\u{1b}[2J");
    }

    #[test]
    fn status_interval_doubles_after_a_minute() {
        let mut plain = PlainDisplay::default();
        let lines = (0..=120).filter(|second| {
            let lines = plain.progress(&at(*second, outage()));
            lines.iter().any(|line| line.contains("sockets"))
        });
        let seconds: Vec<u64> = lines.collect();
        let early = (5..60).step_by(5);
        let late = (60..=120).step_by(10);
        assert_eq!(seconds, early.chain(late).collect::<Vec<_>>());
    }
}
