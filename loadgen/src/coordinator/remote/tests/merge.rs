//! A measurement: what 200 workers cost the coordinator and the bus.

use futures_util::future::join_all;
use highwater_reports::record::names::{counter, gauge, latency};
use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike,
    },
    unistd::{SysconfVar, sysconf},
};

use super::*;
use crate::{
    bus::{WorkerState, WorkerStatus, documents::worker_key},
    coordinator::remote::BusSession,
};

const WORKERS: u32 = 200;
/// Heartbeats of a worker in one second: 5,000 sockets with one every 20 s.
const HEARTBEATS: u64 = 250;

/// The CPU time of both processes, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct CpuTimes {
    own_ms: i64,
    bus_ms: i64,
}

impl CpuTimes {
    fn read(bus: &Service) -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
        let own = usage.user_time() + usage.system_time();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", bus.pid().unwrap())).unwrap();
        // The name of the program may have blanks; behind it the ticks are fields 12 and 13.
        let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11);
        let ticks: i64 = fields
            .take(2)
            .map(|field| field.parse::<i64>().unwrap())
            .sum();
        let per_second = sysconf(SysconfVar::CLK_TCK).unwrap().unwrap();
        Self {
            own_ms: own.num_milliseconds(),
            bus_ms: ticks * 1_000 / per_second,
        }
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            own_ms: self.own_ms - earlier.own_ms,
            bus_ms: self.bus_ms - earlier.bus_ms,
        }
    }
}

/// Returns an interval as a worker with idle sockets sends it.
fn idle_interval(second: u64, random: &mut StdRng) -> WorkerInterval {
    let tags = [
        latency::HEARTBEAT_RESPONSE,
        latency::HEARTBEAT_SERVICE,
        latency::SEND_LAG,
    ];
    let histograms = tags.map(|tag| {
        let mut histogram = latency_histogram();
        for _ in 0..HEARTBEATS {
            histogram.record(random.random_range(100..20_000)).unwrap();
        }
        (tag, histogram)
    });
    let counters = [
        counter::HEARTBEATS_DUE,
        counter::HEARTBEATS_SENT,
        counter::HEARTBEATS_ACKNOWLEDGED,
    ];
    let counts = Second {
        counters: counters.map(|name| (name, HEARTBEATS)).into(),
        histograms: histograms.into(),
    };
    let gauges = [
        gauge::SOCKETS_OPEN,
        gauge::HEARTBEATS_PENDING,
        gauge::RSS,
        gauge::CPU,
    ];
    WorkerInterval {
        gauges: gauges.map(|name| (name.to_owned(), 5_000.0)).to_vec(),
        ..counts.interval(second)
    }
}

/// Each worker has a connection of its own, and sends an interval and a sign of life for each
/// second. Returns the bytes of one message.
async fn send_all(session: &BusSession, options: &RunOptions) -> usize {
    let mut random = StdRng::seed_from_u64(1);
    let intervals: Vec<_> = (0..SECONDS)
        .map(|second| idle_interval(second, &mut random))
        .collect();
    let envelope = crate::bus::Envelope {
        epoch: 1,
        message: FromWorker::Interval(intervals[0].clone()),
    };
    let workers = (0..WORKERS).map(|index| {
        let intervals = intervals.clone();
        let store = session.store.clone();
        async move {
            let bus = bus_workers(options).bus.connect("worker").await.unwrap();
            let sender = Sender {
                bus,
                run: session.run.clone(),
                index,
                epoch: 1,
            };
            let mut outbox = Outbox::start(sender, Default::default());
            for (interval, beat) in intervals.into_iter().zip(1..) {
                outbox.send(FromWorker::Interval(interval)).await.unwrap();
                let status = WorkerStatus {
                    epoch: 1,
                    beat,
                    state: WorkerState::Running,
                    capacity: WorkerCapacity::default(),
                };
                store.put(&worker_key(index), &status).await.unwrap();
            }
            outbox.send(FromWorker::Done).await.unwrap();
            outbox.finish().await.unwrap();
        }
    });
    join_all(workers).await;
    crate::bus::codec::encode("interval", &envelope)
        .unwrap()
        .len()
}

/// Records everything. Returns the number of intervals.
async fn record_all(link: &mut BusLink, recorder: &mut RunRecorder) -> u64 {
    let (mut intervals, mut ended) = (0, 0);
    while ended < WORKERS {
        match link.recv().await {
            (id, WorkerEvent::Message(FromWorker::Interval(interval))) => {
                recorder.record_worker_interval(&id, interval).unwrap();
                intervals += 1;
            }
            (_, WorkerEvent::Message(FromWorker::Done)) => ended += 1,
            // The workers have ended, and a debug build takes longer than 5 s.
            (_, WorkerEvent::Silent { .. } | WorkerEvent::StreamEnd { .. }) => {}
            (id, event) => panic!("{id}: {event:?}"),
        }
    }
    intervals
}

/// The stream takes everything before the coordinator reads, so that the workers' own CPU time
/// is not in its figure.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, for a release build"]
async fn cost_of_200_workers() {
    let nats = NatsService::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = (options(&nats, "merge", WORKERS, dir.path()), clock());
    let session = BusSession::create(&options, bus_workers(&options), clock);
    let session = session.await.unwrap();
    let before = CpuTimes::read(&nats);
    let bytes = send_all(&session, &options).await;
    let sent = CpuTimes::read(&nats);
    let mut link = BusLink::new(session, &Checkpoint::default());
    let mut recorder = recorder(dir.path(), clock);
    let intervals = record_all(&mut link, &mut recorder).await;
    recorder.finish().unwrap();
    let merged = CpuTimes::read(&nats).since(sent);
    let sent = sent.since(before);
    assert_eq!(intervals, u64::from(WORKERS) * SECONDS);
    let per_second = |ms: i64| ms as f64 / SECONDS as f64;
    println!(
        "for each second of {WORKERS} workers, in ms of CPU: coordinator {:.1}, bus {:.1} \
         (takes {:.1}, delivers {:.1}); an interval has {bytes} bytes",
        per_second(merged.own_ms),
        per_second(sent.bus_ms + merged.bus_ms),
        per_second(sent.bus_ms),
        per_second(merged.bus_ms),
    );
    link.remove().await;
}
