//! Standard error: a queue, and a thread that writes what is queued.
//!
//! Logs, notes, the display of a run and errors go through the queue. A reader that has
//! stopped, a closed pipe or a full disk therefore delays and ends no command: texts that
//! cannot be written are dropped and counted.
//!
//! Kept by hand, because `tracing-appender` does not count failed writes, cannot wait until
//! everything is written, and prints to stdout if its queue is full at the end.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    panic,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// The limit of queued texts, most of which are one line.
const QUEUE_CAPACITY: usize = 8192;
/// The longest time that a flush waits for a slow reader.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The queue of this process; `None` if the system had no thread for it.
static QUEUE: OnceLock<Option<TextQueue>> = OnceLock::new();

/// A writer to standard error that never blocks and never fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StderrWriter;

/// Writes what is queued when it is dropped.
pub(crate) struct FlushOnDrop;

/// Starts the thread, and sends the messages of panics through the queue too.
pub(crate) fn init() -> FlushOnDrop {
    let queue = duplicate().and_then(TextQueue::start);
    // A second call changes nothing.
    let _ = QUEUE.set(queue.ok());
    panic::set_hook(Box::new(|panicked| {
        let name = thread::current().name().unwrap_or("unnamed").to_owned();
        let backtrace = Backtrace::capture();
        let backtrace = match backtrace.status() {
            BacktraceStatus::Captured => format!("\n{backtrace}"),
            _ => String::new(),
        };
        print_line(&format!("thread '{name}' {panicked}{backtrace}"));
    }));
    FlushOnDrop
}

/// Queues a text.
pub(crate) fn print(text: &str) {
    // The writer never fails.
    let _ = StderrWriter.write_all(text.as_bytes());
}

/// Queues a text and a line feed.
pub(crate) fn print_line(text: &str) {
    print(&format!("{text}\n"));
}

/// Waits until everything before is written, at most [`FLUSH_TIMEOUT`].
pub(crate) fn flush() {
    if let Some(queue) = queue() {
        queue.flush(FLUSH_TIMEOUT);
    }
}

/// Returns the number of texts that were dropped.
pub(crate) fn dropped() -> u64 {
    queue().map_or(0, |queue| queue.dropped.load(Relaxed))
}

impl Write for StderrWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match queue() {
            Some(queue) => queue.push(text),
            // An error is ignored, because there is no other place to report it.
            None => drop(io::stderr().write_all(text)),
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        flush();
    }
}

fn queue() -> Option<&'static TextQueue> {
    QUEUE.get()?.as_ref()
}

/// Returns standard error as a file. `io::stderr` has a lock, which the thread would hold
/// while it blocks.
fn duplicate() -> io::Result<File> {
    Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
}

/// A bounded queue of texts, and the thread that writes them.
#[derive(Debug)]
struct TextQueue {
    items: SyncSender<Item>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Item {
    Text(Vec<u8>),
    /// Answered when every item before it is done.
    Flush(SyncSender<()>),
}

/// The thread's end of the queue.
struct TextWriter<W> {
    output: W,
    dropped: Arc<AtomicU64>,
    /// The dropped texts that a line has reported.
    reported: u64,
}

impl TextQueue {
    fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (items, queued) = sync_channel(QUEUE_CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = TextWriter {
            output,
            dropped: Arc::clone(&dropped),
            reported: 0,
        };
        let thread = thread::Builder::new().name("stderr".to_owned());
        thread.spawn(move || writer.run(queued))?;
        Ok(Self { items, dropped })
    }

    fn push(&self, text: &[u8]) {
        if self.items.try_send(Item::Text(text.to_vec())).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    fn flush(&self, within: Duration) {
        let (written, is_written) = sync_channel(1);
        // A full queue means that the log has no reader.
        if self.items.try_send(Item::Flush(written)).is_ok() {
            let _ = is_written.recv_timeout(within);
        }
    }
}

impl<W: Write> TextWriter<W> {
    fn run(mut self, queued: Receiver<Item>) {
        for item in queued {
            match item {
                Item::Text(text) => self.write(&text),
                Item::Flush(written) => {
                    // Fails when the flush has given up.
                    let _ = written.try_send(());
                }
            }
        }
    }

    fn write(&mut self, text: &[u8]) {
        if self.output.write_all(text).is_err() {
            self.dropped.fetch_add(1, Relaxed);
            return;
        }
        let dropped = self.dropped.load(Relaxed);
        let lines = dropped - self.reported;
        if lines > 0 {
            self.reported = dropped;
            // Queued as any other line of the log. A command without a log has no use for it.
            tracing::warn!(lines, "log lines were dropped: standard error took no more");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// An output that blocks until the other end takes a text, and fails without it.
    struct Rendezvous(SyncSender<Vec<u8>>);

    impl Write for Rendezvous {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let sent = self.0.send(text.to_vec());
            sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Collected(Sender<u8>);

    impl Write for Collected {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            for byte in text {
                // Fails when the test is over.
                let _ = self.0.send(*byte);
            }
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn flush_waits_until_every_text_is_written() {
        let (sent, received) = std::sync::mpsc::channel();
        let queue = TextQueue::start(Collected(sent)).unwrap();
        for _ in 0..1000 {
            queue.push(b"ab");
        }
        queue.flush(Duration::from_secs(60));
        assert_eq!(received.try_iter().count(), 2000);
        assert_eq!(queue.dropped.load(Relaxed), 0);
    }

    #[test]
    fn stopped_reader_costs_texts_and_no_time() {
        let (sent, received) = sync_channel(0);
        let queue = TextQueue::start(Rendezvous(sent)).unwrap();
        // One is in the thread's hands at most.
        for _ in 0..QUEUE_CAPACITY + 11 {
            queue.push(b"line");
        }
        let dropped = queue.dropped.load(Relaxed);
        assert!((10..=11).contains(&dropped), "{dropped}");
        queue.flush(Duration::ZERO);
        assert_eq!(received.recv().unwrap(), b"line");
    }

    #[test]
    fn failed_write_is_counted() {
        let (sent, received) = sync_channel(0);
        drop(received);
        let queue = TextQueue::start(Rendezvous(sent)).unwrap();
        queue.push(b"line");
        queue.flush(Duration::from_secs(60));
        assert_eq!(queue.dropped.load(Relaxed), 1);
    }
}
