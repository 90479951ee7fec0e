//! The standard output of a child: the first line for the caller, all of it for the log.

use std::{fs::File, io::Write};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::ChildStdout,
    sync::oneshot,
};

use crate::thread::SpawnerThread;

/// Longest first line that the caller gets, in bytes. The rest of a longer one goes to
/// the log alone.
const MAX_LINE_BYTES: u64 = 4 * 1024;

/// Reads `stdout` to its end, so that the child never blocks on a full pipe. The receiver
/// gets the first line without its end, or an error if the output is empty.
///
/// The copy runs on the spawner's thread, which it keeps alive until the end of the
/// output.
pub(super) fn capture_stdout(
    stdout: ChildStdout,
    log: File,
    thread: SpawnerThread,
) -> oneshot::Receiver<String> {
    let (sender, receiver) = oneshot::channel();
    let runtime = thread.runtime().clone();
    runtime.spawn(async move {
        copy_to_log(stdout, log, sender).await;
        drop(thread);
    });
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
    // A full disk costs lines of the log, but must not stop the child.
    let _ = log.write_all(&line);
    let text = String::from_utf8_lossy(&line);
    // The receiver is gone if the caller no longer waits.
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
