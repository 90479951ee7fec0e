//! The display of a run's updates, on a thread of its own.

use std::{
    env,
    io::{self, IsTerminal},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use highwater_loadgen::coordinator::Update;

use super::{live::LiveDisplay, plain::PlainDisplay};
use crate::stderr;

/// The limit of queued updates while the thread draws; further updates are dropped.
const QUEUE_CAPACITY: usize = 256;

/// The display of a run. It ends when it is dropped.
pub(crate) struct ProgressDisplay {
    updates: Option<SyncSender<Update>>,
    thread: Option<JoinHandle<()>>,
}

/// The form of the display.
enum Renderer {
    Live(Box<LiveDisplay>),
    Plain(PlainDisplay),
}

impl ProgressDisplay {
    /// Starts a live display, or one of plain lines if `plain` is set or stderr is not a
    /// terminal that can move its cursor.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn new(plain: bool) -> io::Result<Self> {
        let (updates, receiver) = sync_channel(QUEUE_CAPACITY);
        let renderer = match !plain && is_capable() {
            true => Renderer::Live(Box::new(LiveDisplay::new())),
            false => Renderer::Plain(PlainDisplay::default()),
        };
        // Drawing takes time that the run must not wait for.
        let builder = thread::Builder::new().name("display".to_owned());
        Ok(Self {
            updates: Some(updates),
            thread: Some(builder.spawn(|| renderer.show_all(receiver))?),
        })
    }

    /// Queues an update for the display. Does not block.
    pub(crate) fn show(&self, update: Update) {
        if let Some(updates) = &self.updates {
            // A full queue drops the update, because the run must not wait for the display.
            let _ = updates.try_send(update);
        }
    }
}

/// Waits until every update is drawn.
impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        // The thread ends when the channel closes, so the sender goes first.
        self.updates = None;
        if let Some(thread) = self.thread.take() {
            // Ignores a panic of the display, which must not end the run.
            let _ = thread.join();
        }
    }
}

impl Renderer {
    /// Shows updates until the channel closes.
    fn show_all(mut self, updates: Receiver<Update>) {
        for update in updates {
            match (&mut self, update) {
                (Self::Live(live), Update::Progress(progress)) => live.progress(*progress),
                (Self::Live(live), Update::Note(note)) => live.note(&note),
                (Self::Plain(plain), Update::Progress(progress)) => {
                    for line in plain.progress(&progress) {
                        stderr::print_line(&line);
                    }
                }
                (Self::Plain(plain), Update::Note(note)) => stderr::print_line(&plain.note(&note)),
            }
        }
    }
}

/// Whether stderr is a terminal that can move its cursor.
fn is_capable() -> bool {
    io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
