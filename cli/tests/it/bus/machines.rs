//! Workers on machines with an address each, and a cable that is pulled.
//!
//! ```text
//! namespace of the test            coordinator   w1          w2          w3
//!   10.77.0.1: bus, target          10.77.0.2    10.77.0.3   10.77.0.4   10.77.0.5
//!      └──────────── bridge ────────────┴───────────┴───────────┴───────────┘
//! ```
//!
//! Each machine is a network namespace.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
};

use highwater_reports::record::RunEnd;
use highwater_services::run_in_namespace;

use super::{
    harness::{BusTest, assert_ended_in_order},
    link::Link,
};

const TEST: &str = "bus::machines::machine_that_is_cut_off_for_30_seconds_costs_no_interval";
/// The address of bus and target.
const HUB: &str = "10.77.0.1";
const PREPARE: &str = "ip link set lo up && ip link add hub type bridge && \
                       ip addr add 10.77.0.1/24 dev hub && ip link set hub up && \
                       unshare --net true && command -v nsenter";

/// A network namespace with a cable to the hub. It ends with its process.
pub(super) struct Machine {
    holder: Child,
    cable: String,
}

impl Machine {
    /// Creates the machine with this number, which ends its address.
    fn start(number: u8) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo ready; exec sleep 600"]);
        let mut holder = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 6];
        // The namespace is there once its process says so.
        let mut stdout = holder.stdout.take().unwrap();
        stdout.read_exact(&mut line).unwrap();
        let (pid, cable) = (holder.id(), format!("cable{number}"));
        run(&format!(
            "ip link add {cable} type veth peer name eth0 netns {pid} && \
             ip link set {cable} master hub && ip link set {cable} up && \
             nsenter --net=/proc/{pid}/ns/net sh -c 'ip link set lo up && \
             ip addr add 10.77.0.{number}/24 dev eth0 && ip link set eth0 up'"
        ));
        Self { holder, cable }
    }

    /// Returns the program and the arguments that start a command on this machine.
    pub(super) fn entry(&self) -> [String; 2] {
        let namespace = format!("--net=/proc/{}/ns/net", self.holder.id());
        ["nsenter".to_owned(), namespace]
    }

    fn pull_cable(&self) {
        run(&format!("ip link set {} down", self.cable));
    }

    fn plug_cable(&self) {
        run(&format!("ip link set {} up", self.cable));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // An error says that it has ended.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn run(script: &str) {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {error}");
}

#[test]
fn machine_that_is_cut_off_for_30_seconds_costs_no_interval() {
    if let Err(reason) = run_in_namespace(TEST, PREPARE, cut_off_one_machine) {
        println!("skipped: {reason}");
    }
}

fn cut_off_one_machine() {
    let machines: Vec<Machine> = (2..=5).map(Machine::start).collect();
    let mut test = BusTest::on_address(HUB, "70s");
    let bus = Link::from(HUB, test.bus_address());
    test.address = format!("nats://{}", bus.address);
    let mut workers = Vec::new();
    for index in [0, 1] {
        test.enter(&machines[1 + index as usize]);
        workers.push(test.worker(index));
    }
    test.enter(&machines[0]);
    let coordinator = test.named_coordinator(3, &[]);
    coordinator.wait_for("waiting for workers");
    // The third machine is late, and the run begins with it.
    test.enter(&machines[3]);
    workers.push(test.worker(2));
    test.wait_until_steady_for(1.0, 3);
    machines[3].pull_cable();
    coordinator.wait_for("worker w3 is silent since");
    let reached = test.last_second("w3");
    test.wait_until_recorded(reached + 30.0, &["w1", "w2"]);
    assert_eq!(test.last_second("w3"), reached);
    machines[3].plug_cable();
    coordinator.wait_for("worker w3 is back after");
    let coordinator = coordinator.finish();
    assert_ended_in_order(workers);
    test.assert_each_second_once(3);
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", coordinator.text);
    // The machine was cut off from the target too, and its sockets say so.
    let missed = |worker: &str| {
        test.counts(worker, "heartbeats.missed")
            .values()
            .sum::<u64>()
    };
    assert!(missed("w3") > 0, "{}", coordinator.text);
    assert_eq!(summary.sockets.open_at_end, Some(101));
}
