//! An invented run whose every metric is known. Tests change it before they write it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use chrono::DateTime;
use highwater_reports::{
    RecordWriter, RunRecord, analyse,
    histogram::{LatencyHistogram, latency_histogram, record},
    read,
    record::{
        HostInfo, Interval, Manifest, RECORD_SCHEMA, RecordEvent, RunEnd, Source, SourceRole,
        TimedEvent,
        names::{counter, gauge, latency},
    },
    summary::Summary,
};
use highwater_scenarios::{
    check::{ComparisonOperator, GateCheck},
    plan::{
        BackplaneSpec, BalancerKind, BalancerLoadMetric, BalancerPolicy, ClusterSpec, CommandLoad,
        Consumers, DevicePool, Gate, Jitter, Join, LoadModel, PhaseWindow, Plan, ReconnectSpec,
        ReplyMode, Routing, SystemSpec,
    },
};
use highwater_types::Rate;

pub(crate) const SOCKETS: u64 = 1_000;
pub(crate) const RAMP_S: u64 = 5;
pub(crate) const STEADY_S: u64 = 20;
pub(crate) const DRAIN_S: u64 = 2;
pub(crate) const NODES: u64 = 2;
pub(crate) const WORKERS: u64 = 2;
/// Resident memory of a node per socket, in bytes.
pub(crate) const RSS_SLOPE: f64 = 2_000.0;
/// Heap of a node per socket, in bytes.
pub(crate) const HEAP_SLOPE: f64 = 900.0;
/// Seconds between two heartbeats of a socket.
pub(crate) const HEARTBEAT_S: u64 = 5;
/// Commands issued each second of the steady phase by each worker.
pub(crate) const COMMANDS_PER_S: u64 = 10;

/// The content of a record.
pub(crate) struct TestRun {
    pub(crate) manifest: Manifest,
    pub(crate) intervals: Vec<Interval>,
    pub(crate) latencies: Vec<LatencyLine>,
    pub(crate) events: Vec<TimedEvent>,
}

/// A line of `latency.hlog`.
pub(crate) struct LatencyLine {
    pub(crate) tag: String,
    pub(crate) at: f64,
    pub(crate) length: f64,
    pub(crate) histogram: LatencyHistogram,
}

impl TestRun {
    /// Creates a run in which all sockets open in the ramp, all heartbeats and commands are
    /// answered, and everything ends in order.
    pub(crate) fn clean() -> Self {
        let mut run = Self {
            manifest: manifest(),
            intervals: Vec::new(),
            latencies: Vec::new(),
            events: phases(),
        };
        for second in 0..RAMP_S + STEADY_S + DRAIN_S {
            (1..=WORKERS).for_each(|worker| run.worker_second(worker, second));
            (1..=NODES).for_each(|node| run.node_second(node, second));
            run.machine_second(second);
            run.latency_second(second);
        }
        run
    }

    pub(crate) fn add_gate(&mut self, text: &str, during: Option<PhaseWindow>) -> &mut Self {
        let mut words = text.split(' ');
        let metric = words.next().unwrap().to_owned();
        let comparison = match words.next().unwrap() {
            "<=" => ComparisonOperator::AtMost,
            ">=" => ComparisonOperator::AtLeast,
            "==" => ComparisonOperator::Equal,
            other => panic!("{other}"),
        };
        let check = GateCheck {
            metric,
            comparison,
            limit: words.next().unwrap().parse().unwrap(),
            text: text.to_owned(),
        };
        self.manifest.plan.gates.push(Gate {
            name: text.to_owned(),
            check,
            during,
        });
        self
    }

    pub(crate) fn add_event(&mut self, at: f64, kind: RecordEvent) -> &mut Self {
        self.events.push(TimedEvent { at, kind });
        self.events.sort_by(|a, b| a.at.total_cmp(&b.at));
        self
    }

    /// Adds to a counter of a worker's interval.
    pub(crate) fn add_count(
        &mut self,
        worker: &str,
        second: u64,
        name: &str,
        by: u64,
    ) -> &mut Self {
        let line = self.line(SourceRole::Worker, worker, second);
        *line.counters.entry(name.to_owned()).or_default() += by;
        self
    }

    /// Adds to a counter of a tenth of a second.
    pub(crate) fn add_conn_event(&mut self, number: u64, name: &str, by: u64) -> &mut Self {
        const LENGTH_S: f64 = 0.1;
        let at = number as f64 / 10.0;
        let known = self.intervals.iter().position(|line| {
            (line.at, line.length) == (at, LENGTH_S) && line.source.role == SourceRole::Coordinator
        });
        let known = known.unwrap_or_else(|| {
            let line = line(SourceRole::Coordinator, "coordinator", at, LENGTH_S, &[]);
            self.intervals.push(line);
            self.intervals.len() - 1
        });
        let counters = &mut self.intervals[known].counters;
        *counters.entry(name.to_owned()).or_default() += by;
        self
    }

    pub(crate) fn line(&mut self, role: SourceRole, id: &str, second: u64) -> &mut Interval {
        let source = Source::new(role, id);
        self.intervals
            .iter_mut()
            .find(|line| line.source == source && line.at.floor() as u64 == second)
            .unwrap()
    }

    pub(crate) fn add_latency(&mut self, tag: &str, at: f64, millis: &[u64]) -> &mut Self {
        let mut histogram = latency_histogram();
        for &value in millis {
            record(&mut histogram, Duration::from_millis(value));
        }
        self.latencies.push(LatencyLine {
            tag: tag.to_owned(),
            at,
            length: 1.0,
            histogram,
        });
        self
    }

    pub(crate) fn write(&self, dir: &Path) {
        let mut writer = RecordWriter::create(dir, &self.manifest).unwrap();
        for interval in &self.intervals {
            writer.append_interval(interval).unwrap();
        }
        for line in &self.latencies {
            writer
                .append_latency(&line.tag, line.at, line.length, &line.histogram)
                .unwrap();
        }
        for event in &self.events {
            writer.append_event(event).unwrap();
        }
        writer.flush().unwrap();
    }

    pub(crate) fn record(&self) -> RunRecord {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        read(dir.path()).unwrap()
    }

    pub(crate) fn summary(&self) -> Summary {
        analyse(&self.record())
    }

    fn worker_second(&mut self, worker: u64, second: u64) {
        let opened = per_worker(opened_in(second));
        let open = per_worker(open_after(second));
        let steady = (RAMP_S..RAMP_S + STEADY_S).contains(&second);
        let mut counters = vec![
            (counter::SOCKETS_DUE, opened),
            (counter::SOCKETS_OPENED, opened),
        ];
        if steady {
            let heartbeats = open / HEARTBEAT_S;
            counters.extend([
                (counter::HEARTBEATS_DUE, heartbeats),
                (counter::HEARTBEATS_SENT, heartbeats),
                (counter::HEARTBEATS_ACKNOWLEDGED, heartbeats),
                (counter::COMMANDS_DUE, COMMANDS_PER_S),
                (counter::COMMANDS_ISSUED, COMMANDS_PER_S),
                (counter::COMMANDS_REPLIED, COMMANDS_PER_S),
            ]);
        }
        let gauges = [
            (gauge::SOCKETS_OPEN, open as f64),
            (gauge::HEARTBEATS_PENDING, 0.0),
            (gauge::RSS, 12e6 + open as f64 * 1_500.0),
            (gauge::OPEN_FILES, 20.0 + open as f64),
            (gauge::CPU, second as f64 * 0.1),
        ];
        let id = format!("w{worker}");
        let mut line = line(SourceRole::Worker, &id, second as f64, 1.0, &gauges);
        line.counters = counters
            .into_iter()
            .filter(|&(_, count)| count > 0)
            .map(|(name, count)| (name.to_owned(), count))
            .collect();
        self.intervals.push(line);
    }

    fn node_second(&mut self, node: u64, second: u64) {
        let open = open_after(second) / NODES;
        let accepted = open_after(second.min(RAMP_S)) / NODES;
        let gauges = [
            (gauge::UP, 1.0),
            (gauge::SOCKETS_OPEN, open as f64),
            (gauge::SOCKETS_ACCEPTED, accepted as f64),
            (gauge::RSS, 9e6 * node as f64 + open as f64 * RSS_SLOPE),
            (gauge::HEAP, 2e6 * node as f64 + open as f64 * HEAP_SLOPE),
            (gauge::OPEN_FILES, 12.0 + open as f64),
            (gauge::CPU, 0.5 + second as f64 * 0.2),
            (gauge::STARTED_AT, 1.8e9),
        ];
        // Samples are taken just before the second ends.
        let at = second as f64 + 0.999;
        let id = format!("n{node}");
        self.intervals
            .push(line(SourceRole::Node, &id, at, 0.0, &gauges));
    }

    fn machine_second(&mut self, second: u64) {
        let at = second as f64 + 1.0;
        let ends = open_after(second) as f64 * 2.0;
        let kernel = [
            (gauge::KERNEL_SLAB, 1e8 + ends * 4_000.0),
            (gauge::KERNEL_TCP, 1e6 + ends * 200.0),
        ];
        self.intervals
            .push(line(SourceRole::Host, "host", at, 0.0, &kernel));
        let wanted = [(gauge::SOCKETS_WANTED, open_after(second) as f64)];
        let coordinator = line(SourceRole::Coordinator, "coordinator", at, 0.0, &wanted);
        self.intervals.push(coordinator);
    }

    fn latency_second(&mut self, second: u64) {
        let at = second as f64;
        if second < RAMP_S {
            self.add_latency(latency::CONNECT, at, &[1, 2, 3, 4]);
        } else if second < RAMP_S + STEADY_S {
            // 1 to 100 ms, so that each percentile is its own number.
            let hundred: Vec<u64> = (1..=100).collect();
            self.add_latency(latency::HEARTBEAT_RESPONSE, at, &hundred);
            self.add_latency(latency::HEARTBEAT_SERVICE, at, &[1; 100]);
            self.add_latency(latency::COMMAND_RESPONSE, at, &[4, 5, 6, 7]);
            self.add_latency(latency::COMMAND_SERVICE, at, &[2, 2, 3, 3]);
            self.add_latency(latency::COMMAND_SAME_NODE, at, &[2, 2]);
            self.add_latency(latency::COMMAND_CROSS_NODE, at, &[3, 3]);
            self.add_latency("send_lag@w1", at, &[1]);
            self.add_latency("send_lag@w2", at, &[1]);
        }
    }
}

/// Creates an interval with gauges.
pub(crate) fn line(
    role: SourceRole,
    id: &str,
    at: f64,
    length: f64,
    gauges: &[(&str, f64)],
) -> Interval {
    let gauges = gauges.iter().map(|&(name, value)| (name.to_owned(), value));
    Interval {
        at,
        length,
        source: Source::new(role, id),
        counters: BTreeMap::new(),
        gauges: gauges.collect(),
    }
}

pub(crate) fn action(action: &str, node: &str) -> RecordEvent {
    RecordEvent::Action {
        action: action.to_owned(),
        node: node.to_owned(),
        error: None,
    }
}

fn opened_in(second: u64) -> u64 {
    if second < RAMP_S { SOCKETS / RAMP_S } else { 0 }
}

/// Returns the sockets open at the end of a second.
pub(crate) fn open_after(second: u64) -> u64 {
    if second >= RAMP_S + STEADY_S {
        0
    } else {
        SOCKETS / RAMP_S * (second + 1).min(RAMP_S)
    }
}

fn per_worker(sockets: u64) -> u64 {
    sockets / WORKERS
}

fn phases() -> Vec<TimedEvent> {
    let phase = |at: u64, phase| TimedEvent {
        at: at as f64,
        kind: RecordEvent::Phase { phase },
    };
    vec![
        phase(0, PhaseWindow::Ramp),
        phase(RAMP_S, PhaseWindow::Steady),
        phase(RAMP_S + STEADY_S, PhaseWindow::Drain),
        TimedEvent {
            at: (RAMP_S + STEADY_S + DRAIN_S) as f64,
            kind: RecordEvent::End {
                ended: RunEnd::Completed,
            },
        },
    ]
}

fn manifest() -> Manifest {
    let versions = [("highwater", "0.1.0"), ("linux", "6.12")];
    Manifest {
        schema: RECORD_SCHEMA,
        started_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        plan: plan(),
        scenario_text: "name = \"known\"\n# <b>not bold</b>\n".to_owned(),
        sets: vec!["duration=20s".to_owned()],
        workers: WORKERS as u32,
        versions: versions.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        host: HostInfo {
            cpus: Some(2),
            cpu_model: None,
            memory_bytes: Some(24 << 30),
            os: Some("Linux".to_owned()),
            open_files_limit: Some(20_000),
        },
        balancer_configuration: None,
    }
}

fn plan() -> Plan {
    Plan {
        name: "known".to_owned(),
        description: "Two nodes & a thousand <idle> sockets.".to_owned(),
        seed: 7,
        duration: Duration::from_secs(STEADY_S),
        system: SystemSpec::Cluster(ClusterSpec {
            nodes: NODES as u32,
            backplane: BackplaneSpec::Local,
            balancer: BalancerKind::None,
            policy: BalancerPolicy::RoundRobin,
            load_metric: BalancerLoadMetric::Sockets,
            join: Join::Discovery,
            balancers: 1,
            balancer_tls: false,
            max_age: None,
            routing: Routing::Directory,
            tls: false,
            auth: false,
            consumers: Consumers::default(),
        }),
        devices: vec![DevicePool {
            name: "home".to_owned(),
            count: SOCKETS,
            ramp: Rate::per_second((SOCKETS / RAMP_S) as f64).unwrap(),
            start: None,
            heartbeat: Duration::from_secs(HEARTBEAT_S),
            max_missed: 2,
            connect_timeout: Duration::from_secs(10),
            max_message: 1 << 20,
            reconnect: ReconnectSpec {
                first: Duration::from_secs(1),
                max: Duration::from_secs(30),
                jitter: Jitter::Full,
            },
        }],
        commands: vec![CommandLoad {
            name: "read".to_owned(),
            model: LoadModel::Open {
                rate: Rate::per_second((COMMANDS_PER_S * WORKERS) as f64).unwrap(),
                max_in_flight: 100,
            },
            timeout: Duration::from_secs(5),
            reply: ReplyMode::Rest,
            path: "/devices/{device}/commands".to_owned(),
        }],
        publish: Vec::new(),
        telemetry: Vec::new(),
        events: Vec::new(),
        gates: Vec::new(),
    }
}
