//! The display elsewhere: lines of text for a file, a CI job's log, a `grep`.
//!
//! Each begins with the time and one word: `phase`, `event`, `problem`, or the
//! phase's name where it says how things stand.

use highwater_loadgen::coordinator::{
    Note, NoteKind, Progress, Stage,
    progress::{Commands, Messages, Readings, Response},
};

use super::{
    load_lines::{high_send_lag, is_steady, unanswered},
    phase_line::phase_name,
};
use crate::quantity::{count, length, long_clock, millis, rate};

/// Seconds between two lines at first, and from the second minute on.
const EVERY: (u64, u64) = (5, 10);

/// Makes lines of what comes.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    phase: &'static str,
    /// When the next line is due that says how things stand, in seconds on the
    /// run's clock.
    due: u64,
}

impl Plain {
    /// The lines that are to be written now, if any.
    pub(crate) fn progress(&mut self, progress: &Progress) -> Vec<String> {
        let mut lines = Vec::new();
        let (now, phase) = (progress.at.as_secs(), phase_name(&progress.stage));
        if self.phase != phase {
            self.phase = phase;
            self.due = now + EVERY.0;
            lines.push(line(progress.at, "phase", &beginning(progress)));
        }
        if now >= self.due {
            let (first, later) = EVERY;
            let every = if now < 60 { first } else { later };
            self.due = (now / every + 1) * every;
            lines.push(line(progress.at, phase, &standing(progress)));
        }
        lines
    }

    /// What happened.
    pub(crate) fn note(&self, note: &Note) -> String {
        let word = match note.kind {
            NoteKind::Event => "event",
            NoteKind::Problem => "problem",
        };
        line(note.at, word, &note.text)
    }
}

fn line(at: std::time::Duration, word: &str, text: &str) -> String {
    format!("{} {word:<8} {text}", long_clock(at))
}

fn beginning(progress: &Progress) -> String {
    let name = phase_name(&progress.stage);
    match &progress.stage {
        Stage::Starting => format!("{name}: nodes and workers are ready"),
        Stage::Ramp { sockets, left } => {
            format!("{name}: {} sockets in {}", count(*sockets), length(*left))
        }
        Stage::Steady {
            length: all, next, ..
        } => match next {
            Some(next) => {
                let after = length(next.after);
                format!("{name}: {}, next {} in {after}", length(*all), next.what)
            }
            None => format!("{name}: {}", length(*all)),
        },
        Stage::Drain => format!("{name}: {} sockets to close", count(progress.sockets_open)),
    }
}

/// Numbers without separators, at the same place in each line.
fn standing(progress: &Progress) -> String {
    let planned = progress.sockets_planned.to_string();
    let mut parts = vec![format!(
        "sockets {:>1$}/{planned}",
        progress.sockets_open,
        planned.len()
    )];
    let up = progress.nodes.values().filter(|node| node.up == Some(true));
    if !progress.nodes.is_empty() {
        parts.push(format!("nodes {}/{}", up.count(), progress.nodes.len()));
    }
    let heartbeats = &progress.heartbeats;
    parts.push(format!(
        "heartbeats {:>6}/s {} missed {:<3}",
        digits(heartbeats.per_s),
        response(heartbeats.response),
        heartbeats.missed
    ));
    if is_steady(progress) {
        parts.extend(progress.commands.as_ref().map(commands));
        parts.extend(progress.messages.as_ref().map(messages));
        parts.extend(progress.readings.as_ref().map(readings));
    }
    parts.extend(high_send_lag(progress).map(|lag| format!("send lag {lag}")));
    parts.join("  ").trim_end().to_owned()
}

fn commands(commands: &Commands) -> String {
    let rate = digits(commands.per_s);
    let text = format!("commands {rate:>6}/s {}", response(commands.response));
    match unanswered(commands) {
        none if none.is_empty() => text,
        some => format!("{text} {some}"),
    }
}

fn messages(messages: &Messages) -> String {
    let (rate, missing) = (digits(messages.per_s), messages.missing);
    format!(
        "messages {rate:>6}/s {} missing {missing}",
        response(messages.latency)
    )
}

fn readings(readings: &Readings) -> String {
    let (rate, refused) = (digits(readings.per_s), readings.refused);
    format!(
        "readings {rate:>6}/s {} refused {refused}",
        response(readings.response)
    )
}

/// A rate that other programs read as a number.
fn digits(per_s: f64) -> String {
    rate(per_s).replace(',', "")
}

fn response(response: Option<Response>) -> String {
    match response {
        Some(Response { p50, p99 }) => {
            format!("p50 {:>7} p99 {:>7}", millis(p50), millis(p99))
        }
        None => format!("p50 {0:>7} p99 {0:>7}", "-"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;

    use super::*;
    use crate::progress::fixtures::{drain, outage, ramp, traffic};

    fn at(second: u64, progress: Progress) -> Progress {
        Progress {
            at: Duration::from_secs(second),
            ..progress
        }
    }

    #[test]
    fn lines_begin_alike_and_stand_below_each_other() {
        let mut plain = Plain::default();
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
            lines.push(plain.note(&Note {
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
    fn messages_and_readings_stand_on_the_line() {
        let mut plain = Plain::default();
        plain.progress(&at(0, traffic()));
        let lines = plain.progress(&at(5, traffic()));
        expect!["00:00:05 steady   sockets  640/1500  nodes 1/2  heartbeats    128/s p50 0.31 ms p99 1.20 ms missed 17   messages  24988/s p50 2.10 ms p99 48.0 ms missing 12  readings   1000/s p50 0.90 ms p99 3.00 ms refused 1340  send lag p99 14.7 ms on w1"].assert_eq(&lines.join("\n"));
    }

    #[test]
    fn lines_come_less_often_after_a_minute() {
        let mut plain = Plain::default();
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
