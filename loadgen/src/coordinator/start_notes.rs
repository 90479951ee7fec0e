//! Notes for the person who waits for a run to start.

use std::{pin::pin, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::progress::{NoteKind, ProgressNote};

/// Time between two notes about the same wait.
pub(super) const NOTE_INTERVAL: Duration = Duration::from_secs(10);
/// Notes that wait to be shown; further ones are dropped.
const NOTE_QUEUE_LEN: usize = 64;

/// The sender of the notes of a start.
pub struct StartNotes {
    base: Instant,
    notes: mpsc::Sender<ProgressNote>,
}

impl StartNotes {
    /// Creates a sender, whose notes carry the time since `base`, and its receiver.
    pub fn new(base: Instant) -> (Self, mpsc::Receiver<ProgressNote>) {
        let (notes, receiver) = mpsc::channel(NOTE_QUEUE_LEN);
        (Self { base, notes }, receiver)
    }

    /// Adds a note. Does not block.
    pub fn add(&self, kind: NoteKind, text: String) {
        let at = self.base.elapsed();
        // An error says that the queue is full: the start must not wait for a display.
        let _ = self.notes.try_send(ProgressNote { at, kind, text });
    }

    /// Waits for `result`, and notes every 10 s that the start waits for `what`.
    pub(super) async fn while_waiting<T>(&self, what: &str, result: impl Future<Output = T>) -> T {
        self.note_each(NOTE_INTERVAL, what, result).await
    }

    async fn note_each<T>(
        &self,
        interval: Duration,
        what: &str,
        result: impl Future<Output = T>,
    ) -> T {
        let started = Instant::now();
        let mut result = pin!(result);
        loop {
            match timeout(interval, &mut result).await {
                Ok(result) => return result,
                Err(_) => {
                    let waited = started.elapsed().as_secs();
                    let text = format!("waiting since {waited} s for {what}");
                    self.add(NoteKind::Event, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_wait_is_noted_again_and_again() {
        let (notes, mut shown) = StartNotes::new(Instant::now());
        let two_notes = async { [shown.recv().await, shown.recv().await] };
        let interval = Duration::from_millis(1);
        let shown = notes.note_each(interval, "the cluster", two_notes).await;
        for note in shown {
            let text = note.expect("a note").text;
            assert_eq!(text, "waiting since 0 s for the cluster");
        }
    }
}
