//! Children that are started, read, paused and ended, and a harness that dies.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use highwater_process::{ChildExit, Launch, ProcessError, Signal, Spawner};
use nix::{sys::signal::kill, unistd::Pid};

/// Time limit that only a failure reaches.
const LONG: Duration = Duration::from_secs(30);

fn shell(script: &str, folder: &Path) -> Launch {
    Launch::new("sh", ["-c", script], folder.join("child.log"))
}

#[tokio::test]
async fn first_line_goes_to_the_caller_and_everything_to_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo \"listening on $ADDRESS\"; echo warning >&2; echo more; exit 3";
    let launch = shell(script, folder.path())
        .with_first_line()
        .with_env("ADDRESS", "here");
    let mut child = Spawner::start().unwrap().spawn(launch).await.unwrap();
    assert_eq!(
        child.first_stdout_line(LONG).await.unwrap(),
        "listening on here"
    );
    assert_eq!(child.wait(LONG).await, Some(ChildExit::Status(3)));
    assert_eq!(
        child.try_exit().unwrap().to_string(),
        "exited with status 3"
    );
    assert!(child.signal(Signal::SIGTERM).is_err());
    let log = folder.path().join("child.log");
    until(|| lines(&log) == ["listening on here", "more", "warning"]).await;
}

#[tokio::test]
async fn child_runs_at_the_niceness_of_its_launch() {
    let folder = tempfile::tempdir().unwrap();
    let spawner = Spawner::start().unwrap();
    let niceness = async |increment| {
        let launch = shell("nice", folder.path()).with_first_line();
        let launched = spawner.spawn(launch.with_niceness(increment)).await;
        let line = launched.unwrap().first_stdout_line(LONG).await.unwrap();
        line.parse::<i32>().unwrap()
    };
    // The test itself may run at a raised niceness, and 19 is the highest.
    let own = niceness(0).await;
    assert_eq!(niceness(7).await, (own + 7).min(19));
}

#[tokio::test]
async fn child_that_ends_before_its_line_is_reported_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let launch = shell("echo no such port >&2; exit 1", folder.path()).with_first_line();
    let mut child = Spawner::start().unwrap().spawn(launch).await.unwrap();
    let error = child.first_stdout_line(LONG).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "sh exited with status 1; the last lines of its log:\n  no such port"
    );
}

#[tokio::test]
async fn missing_program_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::new("/nowhere/node", ["serve"], folder.path().join("n1.log"));
    let error = Spawner::start().unwrap().spawn(launch).await.unwrap_err();
    assert!(matches!(error, ProcessError::Start { .. }));
    assert_eq!(error.to_string(), "cannot start /nowhere/node");
}

#[tokio::test]
async fn stop_uses_sigkill_only_after_sigterm_was_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let spawner = Spawner::start().unwrap();

    let mut child = spawner
        .spawn(Launch::new("sleep", ["1000"], folder.path().join("a")))
        .await
        .unwrap();
    assert_eq!(
        child.stop(LONG).await,
        ChildExit::Signal(Signal::SIGTERM as i32)
    );

    // A stopped process acts on SIGTERM only after SIGCONT.
    let mut child = spawner
        .spawn(Launch::new("sleep", ["1000"], folder.path().join("b")))
        .await
        .unwrap();
    child.signal(Signal::SIGSTOP).unwrap();
    until(|| state(child.pid()) == Some('T')).await;
    assert!(child.is_running());
    assert_eq!(
        child.stop(LONG).await,
        ChildExit::Signal(Signal::SIGTERM as i32)
    );

    let ignoring = shell(
        "trap '' TERM; echo ready; while :; do sleep 1000; done",
        folder.path(),
    );
    let mut child = spawner.spawn(ignoring.with_first_line()).await.unwrap();
    child.first_stdout_line(LONG).await.unwrap();
    // SIGTERM ends `sleep`, but not the shell around it.
    let exit = child.stop(Duration::from_millis(1)).await;
    assert_eq!(exit.to_string(), "was killed by SIGKILL");
}

#[tokio::test]
async fn group_of_an_ended_child_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let launch = shell("sleep 1000 & echo $!; exit 3", folder.path()).with_first_line();
    let mut child = Spawner::start().unwrap().spawn(launch).await.unwrap();
    let left: u32 = child
        .first_stdout_line(LONG)
        .await
        .unwrap()
        .parse()
        .unwrap();
    let child = RefCell::new(child);
    until(|| child.borrow_mut().try_exit() == Some(ChildExit::Status(3))).await;
    until(|| is_gone(left)).await;
}

#[tokio::test]
async fn dropped_child_is_killed_with_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let launch = shell("sleep 1000 & echo $!; wait", folder.path()).with_first_line();
    let mut child = Spawner::start().unwrap().spawn(launch).await.unwrap();
    let grandchild: u32 = child
        .first_stdout_line(LONG)
        .await
        .unwrap()
        .parse()
        .unwrap();
    let pid = child.pid();
    drop(child);
    until(|| is_gone(pid) && is_gone(grandchild)).await;
}

#[tokio::test]
async fn child_survives_the_drop_of_the_last_spawner() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = format!(
        "mkfifo {0}; echo made; read line < {0}; exit 7",
        gate.display()
    );
    let launch = shell(&script, folder.path()).with_first_line();
    let mut child = {
        let spawner = Spawner::start().unwrap();
        spawner.spawn(launch).await.unwrap()
    };
    child.first_stdout_line(LONG).await.unwrap();
    let opened = tokio::task::spawn_blocking(move || fs::write(gate, "go\n"));
    opened.await.unwrap().unwrap();
    assert_eq!(child.wait(LONG).await, Some(ChildExit::Status(7)));
}

/// One child is stopped when the harness dies: SIGKILL ends that one too.
#[tokio::test]
async fn killed_harness_leaves_no_children() {
    let mut harness = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "children::harness_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(harness.stdout.take().unwrap());
    let pids: Vec<u32> = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            line.split_once("children: ")
                .map(|(_, pids)| pids.to_owned())
        })
        .unwrap()
        .split(' ')
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| !is_gone(*pid)));
    kill(Pid::from_raw(pids[1].cast_signed()), Signal::SIGSTOP).unwrap();
    until(|| state(pids[1]) == Some('T')).await;

    // SIGKILL, so that no drop and no handler of the harness can end the children.
    harness.kill().unwrap();
    harness.wait().unwrap();
    until(|| pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
#[ignore = "the harness that killed_harness_leaves_no_children starts and kills"]
async fn harness_to_be_killed() {
    let folder = tempfile::tempdir().unwrap();
    let spawner = Spawner::start().unwrap();
    let launch = |name: &str| Launch::new("sleep", ["1000"], folder.path().join(name));
    let first = spawner.spawn(launch("a")).await.unwrap();
    let second = spawner.spawn(launch("b")).await.unwrap();
    println!("children: {} {}", first.pid(), second.pid());
    std::future::pending::<()>().await;
}

#[test]
fn child_of_blocking_code_is_started_and_killed() {
    let folder = tempfile::tempdir().unwrap();
    let spawner = Spawner::start().unwrap();
    let launch = shell("sleep 1000 & wait", folder.path());
    let mut child = spawner.spawn_blocking(launch).unwrap();
    assert!(child.is_running());
    assert_eq!(child.kill_blocking().to_string(), "was killed by SIGKILL");
    assert!(!child.is_running());
    assert!(is_gone(child.pid()));
}

#[tokio::test]
async fn blocking_start_works_inside_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let spawner = Spawner::start().unwrap();
    let launch = shell("exit 3", folder.path());
    let mut child = spawner.spawn_blocking(launch).unwrap();
    assert_eq!(child.wait(LONG).await, Some(ChildExit::Status(3)));
}

/// Waits until `condition` holds; fails the test if it never does.
async fn until(condition: impl Fn() -> bool) {
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
fn is_gone(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    threads <= 1 && matches!(state(pid), None | Some('Z' | 'X'))
}

/// Returns the state letter of a process.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Returns the lines of a file, sorted.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
