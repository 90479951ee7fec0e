//! The state of other processes, from `/proc`.

use std::{fs, time::Duration};

/// Time limit that only a failure reaches.
const LONG: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; fails the test if it never does.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, holds)
        .await
        .expect("the condition never held");
}

/// Whether a process has ended, whether or not its status was taken. Its first thread may
/// end before the others, so all of them must be gone.
pub(crate) fn is_gone(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    threads <= 1 && matches!(state(pid), None | Some('Z' | 'X'))
}

/// Returns the state letter of a process.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
