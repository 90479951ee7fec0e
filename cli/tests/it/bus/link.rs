//! A worker whose link to the bus is cut while the others go on.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use highwater_reports::record::RunEnd;
use parking_lot::{Condvar, Mutex};

use super::harness::{BusTest, assert_ended_in_order};

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinkState {
    Open,
    /// Connections are closed, and new ones as well.
    Closed,
    /// Connections stay, and nothing arrives.
    Silent,
}

/// A relay between a worker and the bus. It ends with the test's process.
pub(super) struct Link {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<LinkState>,
    changed: Condvar,
    /// Both ends of each connection.
    streams: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// Listens on loopback, and connects to `bus` for each connection.
    fn to(bus: SocketAddr) -> Self {
        Self::from("127.0.0.1", bus)
    }

    /// Listens on this local address, and connects to `bus` for each connection.
    pub(super) fn from(host: &str, bus: SocketAddr) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(LinkState::Open),
            changed: Condvar::new(),
            streams: Mutex::new(Vec::new()),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for accepted in listener.incoming() {
                accepting.relay(accepted.unwrap(), bus);
            }
        });
        Self { address, shared }
    }

    fn set(&self, state: LinkState) {
        *self.shared.state.lock() = state;
        self.shared.changed.notify_all();
        if state == LinkState::Closed {
            for stream in self.shared.streams.lock().drain(..) {
                // An error says that it is closed.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Shared {
    fn relay(self: &Arc<Self>, worker: TcpStream, bus: SocketAddr) {
        let state = self.state.lock();
        // Dropped, the connection is closed.
        if *state == LinkState::Closed {
            return;
        }
        let bus = TcpStream::connect(bus).unwrap();
        let ends = [(&worker, &bus), (&bus, &worker)];
        for (from, to) in ends {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let shared = Arc::clone(self);
            thread::spawn(move || shared.copy(from, to));
        }
        self.streams.lock().extend([worker, bus]);
    }

    /// Copies until an end closes.
    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            // As in a network, what was sent arrives later.
            let mut state = self.state.lock();
            let silent = |state: &mut LinkState| *state == LinkState::Silent;
            self.changed.wait_while(&mut state, silent);
            drop(state);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}

#[test]
fn closed_link_of_a_worker_costs_no_interval() {
    assert_nothing_is_lost(LinkState::Closed);
}

#[test]
fn silent_link_of_a_worker_costs_no_interval() {
    assert_nothing_is_lost(LinkState::Silent);
}

/// Cuts the link of one of three workers until the coordinator misses it and the others have
/// gone on, and asserts that the record lacks nothing.
fn assert_nothing_is_lost(cut: LinkState) {
    let test = BusTest::start("25s");
    let link = Link::to(test.bus_address());
    let mut workers = test.workers(2);
    workers.push(test.worker_at(&format!("nats://{}", link.address), 2));
    let coordinator = test.named_coordinator(3, &[]);
    test.wait_until_steady_for(1.0, 3);
    link.set(cut);
    coordinator.wait_for("worker w3 is silent since");
    let reached = test.last_second("w3");
    // The others go on, and their intervals arrive.
    test.wait_until_recorded(reached + 3.0, &["w1", "w2"]);
    assert_eq!(test.last_second("w3"), reached);
    link.set(LinkState::Open);
    coordinator.wait_for("worker w3 is back after");
    let coordinator = coordinator.finish();
    assert_ended_in_order(workers);
    test.assert_each_second_once(3);
    let summary = test.summary();
    assert_eq!(summary.ended, RunEnd::Completed, "{}", coordinator.text);
    let problems = &summary.problems;
    // A busy machine may delay each of them.
    let was_late = |problem: &String| problem.contains(" was late: send lag");
    let names_a_loss = |problem: &String| problem.contains("w3") || problem.contains("missing");
    let is_about_w3 = |problem: &String| names_a_loss(problem) && !was_late(problem);
    assert!(!problems.iter().any(is_about_w3), "{problems:?}");
    assert_eq!(summary.sockets.open_at_end, Some(101));
    // The worker went on: its heartbeats of the cut are in the record.
    let beats = test.counts("w3", "heartbeats.acknowledged");
    let during = beats.range(reached as u64 + 1..reached as u64 + 3);
    assert!(during.clone().count() == 2, "{beats:?}");
    // A third of the sockets has a heartbeat each second.
    assert!(during.clone().all(|(_, count)| *count >= 30), "{beats:?}");
}
