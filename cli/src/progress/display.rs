//! Takes what a run tells and shows it, on a thread of its own: a terminal
//! that has been stopped (Ctrl-S) must not stop the run.

use std::{
    env,
    io::{self, IsTerminal},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use highwater_loadgen::coordinator::{Progress, Update};

use super::{live::LiveDisplay, plain::PlainDisplay};

/// The limit of queued updates for a slow terminal; further updates are dropped.
const QUEUE: usize = 256;

/// Shows how a run stands until it is dropped.
pub(crate) struct ProgressDisplay {
    updates: Option<SyncSender<Update>>,
    thread: Option<JoinHandle<()>>,
}

/// The output of the display.
enum Renderer {
    Live(Box<LiveDisplay>),
    Plain(PlainDisplay),
}

impl ProgressDisplay {
    /// Builds a live display, or plain lines if `plain` is set or stderr is not a terminal.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn new(plain: bool) -> io::Result<Self> {
        let (updates, told) = sync_channel(QUEUE);
        let shown = match !plain && is_capable() {
            true => Renderer::Live(Box::new(LiveDisplay::new())),
            false => Renderer::Plain(PlainDisplay::default()),
        };
        let thread = thread::Builder::new().name("display".to_owned());
        Ok(Self {
            updates: Some(updates),
            thread: Some(thread.spawn(|| shown.follow(told))?),
        })
    }

    /// Shows an update as soon as the terminal takes it. Does not block.
    pub(crate) fn show(&self, update: Update) {
        if let Some(updates) = &self.updates {
            let _ = updates.try_send(update);
        }
    }
}

/// Waits until everything is shown.
impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.updates = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Renderer {
    fn follow(mut self, updates: Receiver<Update>) {
        for update in updates {
            match (&mut self, update) {
                (Self::Live(live), Update::Progress(progress)) => live.progress(*progress),
                (Self::Live(live), Update::Note(note)) => live.note(&note),
                (Self::Plain(plain), Update::Progress(progress)) => print(plain, &progress),
                (Self::Plain(plain), Update::Note(note)) => eprintln!("{}", plain.note(&note)),
            }
        }
    }
}

fn print(plain: &mut PlainDisplay, progress: &Progress) {
    for line in plain.progress(progress) {
        eprintln!("{line}");
    }
}

/// Whether stderr is a terminal that can move its cursor.
fn is_capable() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
