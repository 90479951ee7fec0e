//! The limits of this machine, and the scenarios that a run refuses because of them.

use std::{fs, path::PathBuf, process::Command};

use highwater_loadgen::doctor;
use highwater_reports::summary::Summary;
use tempfile::TempDir;

use crate::harness::highwater;

/// Open files of a process where they are few.
const FEW: u64 = 400;

/// The output of a command, and its exit code.
struct CommandOutput {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run_highwater(arguments: &[&str]) -> CommandOutput {
    let output = highwater(arguments).output().expect("highwater starts");
    CommandOutput {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A scenario in a folder of its own.
struct ScenarioFile {
    folder: TempDir,
    file: PathBuf,
}

impl ScenarioFile {
    /// Builds a scenario with `sockets` devices on `system`, a table of the format.
    fn new(system: &str, sockets: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("scenario.toml");
        let text = format!(
            "name = \"held\"\nduration = \"2s\"\n{system}\n\
             [[devices]]\nname = \"home\"\ncount = {sockets}\nramp = \"100/s\"\n"
        );
        fs::write(&file, text).expect("a scenario");
        Self { folder, file }
    }

    /// Builds a scenario against a port without a listener, for which ports are counted.
    fn to_closed_port(sockets: u64) -> Self {
        let target = "[target]\nws = \"ws://[::1]:1/ws\"\ndialect = \"plain\"";
        Self::new(target, sockets)
    }

    fn file(&self) -> &str {
        self.file.to_str().expect("a path in UTF-8")
    }

    fn run(&self, more: &[&str]) -> CommandOutput {
        let out = self.folder.path().join("run");
        let mut arguments = vec!["run", "--no-progress", self.file(), "--out"];
        arguments.push(out.to_str().expect("a path in UTF-8"));
        arguments.extend(more);
        run_highwater(&arguments)
    }

    fn has_record(&self) -> bool {
        self.folder.path().join("run").exists()
    }
}

/// Returns one socket more than one source address reaches one target with.
fn too_many() -> u64 {
    doctor::read_host_limits()
        .port_range
        .expect("a range of ports")
        .count()
        + 1
}

/// Formats a number with thousands separators.
fn grouped(figure: u64) -> String {
    highwater_types::format::count(figure)
}

#[test]
fn doctor_shows_the_limits_of_this_machine() {
    let run = run_highwater(&["doctor"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|hard| hard.parse().ok())
        .map(grouped)
        .expect("a hard limit");
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let mut ends = range
        .split_whitespace()
        .map(|end| end.parse::<u64>().unwrap());
    let (first, last) = (ends.next().unwrap(), ends.next().unwrap());
    let reserved = doctor::read_host_limits().port_range.unwrap().reserved;
    // The kernel gives reserved ports to no client.
    let ports = last - first + 1 - reserved;
    for expected in [
        format!("{files} a process"),
        format!(
            "{} per source address and target ({first} to {last}",
            grouped(ports)
        ),
        format!("From {} on, half of them", grouped(ports / 2)),
    ] {
        // The text is wrapped, so an expected phrase may stand on two lines.
        let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&expected), "{expected}:\n{}", run.stdout);
    }
    let wide = run.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
}

#[test]
fn scenario_is_judged_by_the_limits_of_the_machine() {
    let fits = ScenarioFile::new("[cluster]\nnodes = 2", 100);
    let run = run_highwater(&["doctor", fits.file()]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.starts_with("held fits this machine."),
        "{}",
        run.stdout
    );

    let scenario = ScenarioFile::to_closed_port(too_many());
    let run = run_highwater(&["doctor", scenario.file()]);
    assert_eq!(run.code, Some(5), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.starts_with("held does not fit"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("ip_local_port_range"), "{}", run.stdout);
    let run = run_highwater(&["doctor", scenario.file(), "--set", "devices.home.count=10"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}

#[test]
fn invalid_scenario_is_wrong_usage() {
    let scenario = ScenarioFile::new("[cluster]\nnodes = 0", 1);
    assert_eq!(run_highwater(&["doctor", scenario.file()]).code, Some(2));
    assert_eq!(
        run_highwater(&["doctor", "--set", "devices.home.count=1"]).code,
        Some(2)
    );
}

#[test]
fn impossible_run_starts_no_process() {
    let scenario = ScenarioFile::to_closed_port(too_many());
    let run = scenario.run(&[]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(
        run.stderr.contains("this machine cannot run held"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--try-anyway"), "{}", run.stderr);
    assert!(!scenario.has_record());
}

#[test]
fn run_with_try_anyway_starts() {
    let scenario = ScenarioFile::to_closed_port(too_many());
    let run = scenario.run(&["--try-anyway"]);
    // The check before the run is passed, so the target is the next obstacle.
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("note: "), "{}", run.stderr);
    assert!(run.stderr.contains("does not answer"), "{}", run.stderr);
    assert!(scenario.has_record());
}

#[test]
fn possible_failure_is_a_note() {
    // Past half of the ports, where the kernel's search for those of HTTP clients gets slow, and
    // below their number.
    let users = too_many() * 3 / 4;
    let system = format!(
        "[target]\nws = \"ws://[::1]:1/ws\"\nhttp = \"http://[::1]:1\"\ndialect = \"plain\"\n\
         [[commands]]\nusers = {users}\nthink = \"1m\"\npath = \"/devices/{{device}}\""
    );
    let scenario = ScenarioFile::new(&system, 1);
    let run = scenario.run(&[]);
    assert!(run.stderr.contains("note: "), "{}", run.stderr);
    assert!(run.stderr.contains("does not answer"), "{}", run.stderr);
    assert!(!run.stderr.contains("cannot run"), "{}", run.stderr);
}

/// Starts a run of which no process may open more than `FEW` files.
fn run_with_few_files(scenario: &ScenarioFile, more: &[&str]) -> Summary {
    let binary = highwater(&[]);
    let out = scenario.folder.path().join("run");
    let output = Command::new("sh")
        // The shell lowers its own limit, which the run inherits: a test cannot raise it
        // again.
        .args(["-c", &format!("ulimit -n {FEW}; exec \"$@\""), "sh"])
        .arg(binary.get_program())
        .args(["run", "--no-progress", scenario.file(), "--out"])
        .arg(&out)
        .args(more)
        .output()
        .expect("a shell");
    let text = fs::read(out.join("summary.json"))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_slice(&text).expect("a summary")
}

#[test]
fn refused_scenario_fails_when_it_is_tried() {
    let scenario = ScenarioFile::new("[cluster]\nnodes = 1", 450);
    let set = ["--set", "devices.home.connect_timeout=1s"];
    let ramp = ["--set", "devices.home.ramp=300/s"];
    let summary = run_with_few_files(&scenario, &[&set[..], &ramp, &["--try-anyway"]].concat());
    // The node has some files of its own and keeps others in reserve, so its
    // sockets end below the limit.
    let opened = summary.sockets.opened;
    assert!((FEW / 2..FEW).contains(&opened), "{:?}", summary.sockets);
    let files = summary.nodes[0].open_files_peak;
    assert!(files > Some(opened) && files <= Some(FEW), "{files:?}");
}

#[test]
fn fitting_scenario_passes() {
    let scenario = ScenarioFile::new("[cluster]\nnodes = 3", 450);
    let summary = run_with_few_files(&scenario, &["--set", "devices.home.ramp=300/s"]);
    assert_eq!(
        summary.sockets.open_at_end,
        Some(450),
        "{:?}",
        summary.sockets
    );
    // Half of so small a limit is in reserve: 200 sockets to a worker.
    assert_eq!(summary.workers.len(), 3);
}

#[test]
fn check_shows_the_cost_of_the_plan_on_this_machine() {
    let scenario = ScenarioFile::new("[cluster]\nnodes = 2", 100);
    let run = run_highwater(&["check", scenario.file()]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("\nMemory\n  About "), "{}", run.stdout);
    assert!(run.stdout.contains("█"), "{}", run.stdout);
}
