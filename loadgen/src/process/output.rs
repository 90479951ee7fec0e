//! A child's standard output: its first line to whoever waits for it, all of
//! it to the log.

use std::{fs::File, io::Write};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::ChildStdout,
    sync::oneshot,
};

/// Longest first line that is read, in bytes; the rest of a longer one goes to
/// the log alone.
const MAX_LINE_BYTES: u64 = 4 * 1024;

/// Reads `stdout` to its end, so that the child never waits for a full pipe.
/// The receiver gets the first line without its end, or nothing if there is
/// none.
pub(super) fn capture_stdout(stdout: ChildStdout, log: File) -> oneshot::Receiver<String> {
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(copy_to_log(stdout, log, sender));
    receiver
}

async fn copy_to_log(stdout: ChildStdout, mut log: File, first: oneshot::Sender<String>) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    let read = (&mut reader)
        .take(MAX_LINE_BYTES)
        .read_until(b'\n', &mut line)
        .await;
    if read.is_err() || line.is_empty() {
        return;
    }
    // A log that cannot be written loses its lines; the child goes on.
    let _ = log.write_all(&line);
    let text = String::from_utf8_lossy(&line);
    let _ = first.send(text.trim_end().to_owned());
    while let Ok(bytes) = reader.fill_buf().await {
        if bytes.is_empty() {
            return;
        }
        let _ = log.write_all(bytes);
        let length = bytes.len();
        reader.consume(length);
    }
}
