//! A bus, a target, and the processes of a run over both.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use highwater_reports::summary::Summary;
use highwater_services::{NatsClusterService, NatsOptions, NatsService, Service};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

use super::machines::Machine;
use crate::{
    harness::{eventually, highwater},
    server::ServerProcess,
};

/// Name of the run on the bus.
pub(super) const RUN: &str = "t";

/// A bus and a target, in a folder of their own.
pub(super) struct BusTest {
    pub(super) nats: Service,
    pub(super) address: String,
    pub(super) folder: TempDir,
    /// Environment variables that all processes get as well.
    variables: BTreeMap<&'static str, String>,
    /// The program and the arguments before those of each process: a machine's.
    entry: Vec<String>,
    _node: ServerProcess,
}

/// A process of a run, killed when it is dropped.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

/// A process that has ended.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    /// The text that it printed.
    pub(super) text: String,
}

/// Asserts that every worker ended in order.
pub(super) fn assert_ended_in_order(workers: impl IntoIterator<Item = Process>) {
    for worker in workers {
        let worker = worker.finish();
        assert_eq!(worker.code, Some(0), "{}", worker.text);
    }
}

impl BusTest {
    /// Starts the bus and the target, for a steady phase of this length with 101 sockets.
    pub(super) fn start(duration: &str) -> Self {
        Self::with_bus(duration, NatsOptions::default())
    }

    /// Starts them with a bus of other options.
    pub(super) fn with_bus(duration: &str, options: NatsOptions) -> Self {
        let nats = NatsService::start_with(options).expect("NATS starts");
        Self::with_nats(duration, nats)
    }

    /// Starts them with a bus of three servers.
    pub(super) fn with_cluster(duration: &str) -> Self {
        let nats = NatsClusterService::start().expect("NATS starts");
        Self::with_nats(duration, nats)
    }

    /// Starts the bus, and the target on this local address.
    pub(super) fn on_address(host: &str, duration: &str) -> Self {
        let nats = NatsService::start().expect("NATS starts");
        let listen = format!("{host}:0");
        let node = ServerProcess::start(&["serve", "node", "--listen", &listen, "--id", "theirs"]);
        Self::with_parts(duration, nats, node)
    }

    fn with_nats(duration: &str, nats: Service) -> Self {
        Self::with_parts(duration, nats, ServerProcess::node("theirs"))
    }

    fn with_parts(duration: &str, nats: Service, node: ServerProcess) -> Self {
        let folder = TempDir::new().unwrap();
        let scenario = format!(
            r#"
            name = "over-a-bus"
            duration = "{duration}"
            [target]
            ws = "ws://{address}/ws?device={{device}}"
            http = "http://{address}"
            [[devices]]
            name = "home"
            count = 101
            ramp = "100/s"
            heartbeat = "1s"
            [[gates]]
            check = "sockets.open_at_end == 101"
            "#,
            address = node.address,
        );
        fs::write(folder.path().join("scenario.toml"), scenario).unwrap();
        Self {
            address: nats.url(),
            nats,
            folder,
            variables: BTreeMap::new(),
            entry: Vec::new(),
            _node: node,
        }
    }

    /// Starts the coordinator of a run with `workers` workers.
    pub(super) fn coordinator(&self, workers: u32, more: &[&str]) -> Process {
        self.coordinator_at("run", workers, more)
    }

    /// Starts a coordinator whose record is elsewhere.
    pub(super) fn coordinator_at(&self, out: &str, workers: u32, more: &[&str]) -> Process {
        let workers = workers.to_string();
        let mut command = self.command("coordinator", &["--workers", &workers]);
        command.args(["scenario.toml", "--no-progress", "--out", out]);
        self.spawn(command.args(more), "coordinator")
    }

    /// Starts a coordinator whose run has a name of its own.
    pub(super) fn named_coordinator(&self, workers: u32, more: &[&str]) -> Process {
        self.coordinator(workers, &[&["--run", RUN], more].concat())
    }

    /// Starts the worker of the share `index`.
    pub(super) fn worker(&self, index: u32) -> Process {
        let index = index.to_string();
        self.worker_with(&["--index", &index])
    }

    /// Starts the worker of the share `index`, which has another address of the bus.
    pub(super) fn worker_at(&self, address: &str, index: u32) -> Process {
        let index = index.to_string();
        let mut command = self.command("worker", &["--run", RUN, "--index", &index]);
        self.spawn(command.env("HIGHWATER_BUS", address), "worker")
    }

    /// Sets a variable of all processes that start from now on.
    pub(super) fn set(&mut self, name: &'static str, value: impl Display) {
        self.variables.insert(name, value.to_string());
    }

    /// Removes a variable that was set from the processes that start from now on.
    pub(super) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Starts all processes on this machine from now on.
    pub(super) fn enter(&mut self, machine: &Machine) {
        self.entry = machine.entry().into();
    }

    /// Starts all processes from now on as if this machine had another name. Returns false if
    /// processes cannot have a name of their own here.
    pub(super) fn rename_machine(&mut self, name: &str) -> bool {
        let options = ["--user", "--map-root-user", "--uts"];
        let script = format!("echo {name} > /proc/sys/kernel/hostname && exec \"$0\" \"$@\"");
        let entry = [
            "unshare", options[0], options[1], options[2], "sh", "-c", &script,
        ];
        self.entry = entry.map(str::to_owned).into();
        let tried = Command::new(entry[0])
            .args(&entry[1..])
            .arg("true")
            .status();
        tried.is_ok_and(|status| status.success())
    }

    /// Returns the address of the bus.
    pub(super) fn bus_address(&self) -> SocketAddr {
        let (_, address) = self.address.split_once("://").unwrap();
        address.parse().unwrap()
    }

    /// Starts a worker with these arguments.
    pub(super) fn worker_with(&self, more: &[&str]) -> Process {
        let mut command = self.command("worker", &["--run", RUN]);
        self.spawn(command.args(more), "worker")
    }

    /// Starts `count` workers.
    pub(super) fn workers(&self, count: u32) -> Vec<Process> {
        (0..count).map(|index| self.worker(index)).collect()
    }

    /// Starts a coordinator of one worker, with a variable in its environment.
    pub(super) fn with_variable(&self, name: &str, value: &str) -> Process {
        let mut command = self.command("coordinator", &["--workers", "1", "--run", RUN]);
        command.args(["scenario.toml", "--no-progress", "--out", "run"]);
        self.spawn(command.env(name, value), "coordinator")
    }

    /// Starts `highwater check` with the bus.
    pub(super) fn check(&self) -> Process {
        self.spawn(&mut self.command("check", &["scenario.toml"]), "check")
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = highwater(&[&[name], arguments].concat());
        if let [program, options @ ..] = self.entry.as_slice() {
            let mut entered = Command::new(program);
            entered.args(options).arg(command.get_program());
            entered.args(command.get_args()).stdin(Stdio::null());
            command = entered;
        }
        command.current_dir(self.folder.path());
        command.env("HIGHWATER_BUS", &self.address);
        command.envs(&self.variables);
        command
    }

    fn spawn(&self, command: &mut Command, name: &str) -> Process {
        let log = tempfile::Builder::new()
            .prefix(name)
            .tempfile_in(self.folder.path())
            .unwrap();
        let (file, log) = log.keep().unwrap();
        let child = command
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .expect("highwater starts");
        Process { child, log }
    }

    /// Waits until the record has a phase.
    pub(super) fn wait_for_phase(&self, phase: &str) {
        eventually(phase, || self.phase_start(phase));
    }

    /// Waits until the record has intervals of `workers` workers from `seconds` after the start
    /// of the steady phase.
    pub(super) fn wait_until_steady_for(&self, seconds: f64, workers: usize) {
        eventually("intervals of the steady phase", || {
            let from = self.phase_start("steady")? + seconds;
            let rows = self.rows();
            let late = rows
                .values()
                .filter(|rows| rows.iter().any(|row| row.0 >= from));
            (late.count() == workers).then_some(())
        });
    }

    fn phase_start(&self, phase: &str) -> Option<f64> {
        let events = self.lines("events.jsonl");
        events.iter().find(|event| event["phase"] == phase)?["at"].as_f64()
    }

    /// Returns the start and the length of each interval of each worker, as the record has
    /// them.
    pub(super) fn rows(&self) -> BTreeMap<String, Vec<(f64, f64)>> {
        let mut rows: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for line in self.lines("intervals.jsonl") {
            if line["source"]["role"] == "worker" {
                let id = line["source"]["id"].as_str().unwrap().to_owned();
                let row = (
                    line["at"].as_f64().unwrap(),
                    line["length"].as_f64().unwrap(),
                );
                rows.entry(id).or_default().push(row);
            }
        }
        rows
    }

    /// Asserts that each worker's intervals cover every second from the ramp to the drain, and
    /// none twice.
    pub(super) fn assert_each_second_once(&self, workers: usize) {
        let rows = self.rows();
        assert_eq!(rows.len(), workers, "{rows:?}");
        let (from, until) = (self.phase_start("ramp"), self.phase_start("drain"));
        for (id, rows) in &rows {
            for pair in rows.windows(2) {
                assert_eq!(pair[0].0 + pair[0].1, pair[1].0, "{id}: {rows:?}");
            }
            assert!(rows.first().map(|row| row.0) <= from, "{id}: {rows:?}");
            let end = rows.last().map(|row| row.0 + row.1);
            assert!(end >= until, "{id} until {until:?}: {rows:?}");
        }
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("run").join(name));
        let text = text.unwrap_or_default();
        // The last line may be half-written.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Returns the second up to which the record has intervals of a worker.
    pub(super) fn last_second(&self, worker: &str) -> f64 {
        let rows = self.rows();
        let last = rows.get(worker).and_then(|rows| rows.last());
        last.map_or(0.0, |(at, length)| at + length)
    }

    /// Waits until the record has intervals of these workers up to `second`.
    pub(super) fn wait_until_recorded(&self, second: f64, workers: &[&str]) {
        eventually("intervals of other workers", || {
            let mut ends = workers.iter().map(|worker| self.last_second(worker));
            ends.all(|end| end >= second).then_some(())
        });
    }

    /// Returns a counter of a worker, by the second in which each interval begins.
    pub(super) fn counts(&self, worker: &str, counter: &str) -> BTreeMap<u64, u64> {
        let lines = self.lines("intervals.jsonl").into_iter();
        let own = lines.filter(|line| line["source"]["id"] == worker);
        let counts = own.filter_map(|line| {
            let second = line["at"].as_f64()? as u64;
            Some((second, line["counters"][counter].as_u64()?))
        });
        counts.collect()
    }

    /// Returns the summary of the run.
    pub(super) fn summary(&self) -> Summary {
        let path = self.folder.path().join("run/summary.json");
        let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_reader(file).unwrap()
    }
}

impl Drop for BusTest {
    /// Shows what the processes printed, if the test fails.
    #[expect(clippy::print_stdout, reason = "the output of a test that failed")]
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let logs = fs::read_dir(self.folder.path()).into_iter().flatten();
        for log in logs.flatten().filter(|entry| entry.path().is_file()) {
            let text = fs::read_to_string(log.path()).unwrap_or_default();
            println!("── {}\n{text}", log.path().display());
        }
    }
}

impl Process {
    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is there");
    }

    /// Returns what it has printed.
    pub(super) fn text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has printed `text`.
    pub(super) fn wait_for(&self, text: &str) {
        eventually(text, || self.text().contains(text).then_some(()));
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        Ended {
            code: status.code(),
            text: self.text(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
