//! The observer, and the layout of lines.

use console::Style;
use highwater_loadgen::{
    single_device::DeviceCounters,
    worker::observer::{FrameUse, Message, SocketEvent, SocketObserver},
};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::{
    payload,
    secrets::Secrets,
    tally::{DeviceResult, Tally},
};
use crate::output::print_painted;

/// Most lines of a log. A server that sends thousands of frames would fill the terminal.
const MAX_LINES: u64 = 2_000;

/// Columns before the text of a line, after the time and the arrow.
const INDENT: &str = "            ";

const SENT: Style = Style::new().cyan();
const RECEIVED: Style = Style::new().green();
const NOTE: Style = Style::new().bold();
const BAD: Style = Style::new().red().bold();
const FAINT: Style = Style::new().dim();

/// A log that prints each event of a device on standard output.
pub(crate) struct DeviceLog {
    secrets: RwLock<Secrets>,
    state: Mutex<LogState>,
}

#[derive(Default)]
struct LogState {
    /// The instant of the first event: what comes before is this program's own start.
    started: Option<Instant>,
    tally: Tally,
    lines: u64,
}

impl DeviceLog {
    /// Creates an empty log.
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self {
            secrets: RwLock::new(secrets),
            state: Mutex::default(),
        }
    }

    /// Returns the result of the device.
    pub(crate) fn result(&self, counters: &DeviceCounters) -> DeviceResult {
        self.state.lock().tally.result(counters)
    }

    fn lines_of(&self, event: SocketEvent<'_>) -> Vec<Line> {
        let secrets = &*self.secrets.read();
        match event {
            SocketEvent::HttpRequest { head, body } => {
                http_lines(Mark::Sent, head.as_bytes(), body, secrets)
            }
            SocketEvent::HttpResponse { head, body } => {
                http_lines(Mark::Received, head.as_bytes(), body, secrets)
            }
            // Kept out of all further lines.
            SocketEvent::OwnValues(_) => Vec::new(),
            SocketEvent::Connecting { address } => {
                let address = payload::text_line(address, secrets);
                vec![Line::new(Mark::Note, format!("connect to {address}"))]
            }
            SocketEvent::UpgradeRequest(head) => {
                http_lines(Mark::Sent, head.as_bytes(), &[], secrets)
            }
            SocketEvent::UpgradeResponse(head) => http_lines(Mark::Received, head, &[], secrets),
            SocketEvent::Opened => vec![Line::new(Mark::Note, "open")],
            SocketEvent::Failed(kind) => {
                vec![Line::new(
                    Mark::Bad,
                    format!("failed: connect.failed.{kind}"),
                )]
            }
            SocketEvent::Sent(message) => vec![frame_line(Mark::Sent, message, secrets)],
            SocketEvent::Received(message) => vec![frame_line(Mark::Received, message, secrets)],
            SocketEvent::Used(used) => vec![Line::new(Mark::Use, use_in_words(used))],
            SocketEvent::HeartbeatMissed => {
                vec![Line::new(Mark::Bad, "the heartbeat is missed")]
            }
            SocketEvent::Closing => vec![Line::new(Mark::Sent, "close")],
            SocketEvent::Lost(kind) => {
                vec![Line::new(Mark::Bad, format!("lost: disconnect.{kind}"))]
            }
        }
    }
}

fn http_lines(mark: Mark, head: &[u8], body: &[u8], secrets: &Secrets) -> Vec<Line> {
    let heads = payload::head_lines(head, secrets).into_iter();
    let mut lines: Vec<Line> = heads.map(Line::more).collect();
    if let Some(first) = lines.first_mut() {
        first.mark = Some(mark);
    }
    if !body.is_empty() {
        lines.push(Line::more(payload::body(body, secrets)));
    }
    lines
}

impl SocketObserver for DeviceLog {
    fn on_event(&self, event: SocketEvent<'_>) {
        if let SocketEvent::OwnValues(values) = event {
            self.secrets.write().add(values);
        }
        let mut state = self.state.lock();
        let at = state.started.get_or_insert_with(Instant::now).elapsed();
        state.tally.count(at, event);
        for line in self.lines_of(event) {
            state.lines += 1;
            match state.lines {
                ..=MAX_LINES => print_painted(&line.painted(at.as_secs_f64())),
                // Once: all further events are only counted.
                lines if lines == MAX_LINES + 1 => {
                    print_painted(&format!("{INDENT}further lines are left out"));
                }
                _ => {}
            }
        }
    }
}

/// The start of a line.
#[derive(Debug, Clone, Copy)]
enum Mark {
    Sent,
    Received,
    Note,
    Bad,
    /// Belongs to the line before, without a time of its own.
    Use,
}

/// A line of the log.
struct Line {
    /// `None` for a line that belongs to the one before.
    mark: Option<Mark>,
    text: String,
}

impl Line {
    fn new(mark: Mark, text: impl Into<String>) -> Self {
        Self {
            mark: Some(mark),
            text: text.into(),
        }
    }

    fn more(text: impl Into<String>) -> Self {
        Self {
            mark: None,
            text: text.into(),
        }
    }

    fn painted(&self, seconds: f64) -> String {
        let Self { mark, text } = self;
        let Some(mark) = mark else {
            return format!("{INDENT}{}", FAINT.apply_to(text));
        };
        let (arrow, style) = match mark {
            Mark::Sent => ("→", SENT),
            Mark::Received => ("←", RECEIVED),
            Mark::Note => ("·", NOTE),
            Mark::Bad => ("×", BAD),
            Mark::Use => return format!("{INDENT}{text}"),
        };
        let time = FAINT.apply_to(format!("{seconds:>9.3}"));
        format!("{time} {} {}", style.apply_to(arrow), style.apply_to(text))
    }
}

fn frame_line(mark: Mark, message: &Message, secrets: &Secrets) -> Line {
    let (kind, text) = payload::frame(message, secrets);
    Line::new(mark, format!("{kind:6} {text}"))
}

fn use_in_words(used: FrameUse) -> String {
    match used {
        FrameUse::OpenStep(step) => format!("= step {step} of `open`"),
        FrameUse::Skipped(step) => format!("= not what step {step} of `open` waits for"),
        FrameUse::HeartbeatAnswer => "= the answer to the heartbeat".to_owned(),
        FrameUse::WatchedHeartbeat => "= the server's heartbeat".to_owned(),
        FrameUse::CountedMessage => "= a counted message".to_owned(),
        FrameUse::Answered(rule) => format!("= rule {rule} of `answer`"),
        FrameUse::AnswerLimitReached => "= over the limit of answers in a second".to_owned(),
        FrameUse::ExchangeAnswer => "= the answer to a message or a command".to_owned(),
        FrameUse::Unmatched => "= no rule is for it".to_owned(),
    }
}
