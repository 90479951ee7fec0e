//! What is shown on stderr while a run lasts: a live line on a terminal, plain
//! lines elsewhere.

use std::{io::IsTerminal, time::Duration};

use highwater_loadgen::coordinator::{Progress, Update};
use highwater_scenarios::plan::Window;
use indicatif::{ProgressBar, ProgressStyle};

/// Seconds between two plain lines.
const PLAIN_EVERY: u64 = 5;

/// Shows how a run stands.
pub(crate) struct Display {
    /// On a terminal.
    bar: Option<ProgressBar>,
    last_line: Option<u64>,
}

impl Display {
    /// A live line, unless `plain` or stderr is no terminal.
    pub(crate) fn new(plain: bool) -> Self {
        let live = !plain && std::io::stderr().is_terminal();
        Self {
            bar: live.then(live_line),
            last_line: None,
        }
    }

    /// Shows an update.
    pub(crate) fn show(&mut self, update: Update) {
        match update {
            Update::Note { at, text } => self.line(&format!("{} {text}", clock(at))),
            Update::Progress(progress) => self.progress(&progress),
        }
    }

    /// Nothing more comes.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let text = describe(progress);
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None => {
                let now = progress.at.as_secs() / PLAIN_EVERY;
                if self.last_line != Some(now) {
                    self.last_line = Some(now);
                    eprintln!("{text}");
                }
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}

fn live_line() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn describe(progress: &Progress) -> String {
    let phase = match progress.phase {
        None => "starting",
        Some(Window::Ramp) => "ramp",
        Some(Window::Steady) => "steady",
        Some(Window::Drain) => "drain",
        Some(Window::Run) => "run",
    };
    let mut parts = vec![
        format!("{} {phase}", clock(progress.at)),
        format!(
            "sockets {}/{}",
            progress.sockets_open, progress.sockets_planned
        ),
        format!("heartbeats {}/s", progress.heartbeats_per_s),
    ];
    parts.extend(progress.heartbeat_response.map(quantiles));
    if progress.heartbeats_missed > 0 {
        parts.push(format!("missed {}", progress.heartbeats_missed));
    }
    if let Some(response) = progress.command_response {
        parts.push(format!("commands {}/s", progress.commands_per_s));
        parts.push(quantiles(response));
    }
    if progress.commands_unanswered > 0 {
        parts.push(format!("not replied {}", progress.commands_unanswered));
    }
    if let Some(left) = progress.left {
        parts.push(format!("{} left", clock(left)));
    }
    parts.join(" · ")
}

fn quantiles((p50, p99): (Duration, Duration)) -> String {
    format!("p50 {} p99 {}", millis(p50), millis(p99))
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}
