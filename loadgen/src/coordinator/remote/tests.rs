//! The bus between real ends: outboxes of workers, a real NATS server, the recorder.

mod merge;

use std::{collections::BTreeMap, path::Path, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, V2Serializer};
use highwater_reports::{
    RecordWriter,
    histogram::{HistogramReader, LatencyHistogram, latency_histogram},
    record::{Manifest, RECORD_SCHEMA, RecordError, RecordLengths},
};
use highwater_services::{NatsService, Service};
use highwater_types::BrokerUrl;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use super::{BusLink, BusSession, Checkpoint};
use crate::{
    bus::{BusOptions, OnWorkerLoss, RunDocument, RunStore, WorkerCapacity, documents::RUN_KEY},
    clock::RunClock,
    control::{CoordinatorSink, FromWorker, WorkerInterval},
    coordinator::{
        options::{BusWorkers, RunOptions, Workers},
        recorder::RunRecorder,
        worker_event::WorkerEvent,
    },
    sampling::host,
    worker::{
        BusWorkerOptions, IndexChoice, WorkerError,
        remote::outbox::{Outbox, Sender},
        run_on_bus,
    },
};

const SCENARIO: &str = r#"
    name = "bus"
    duration = "1s"
    [target]
    ws = "ws://127.0.0.1:1/ws?device={device}"
    [[devices]]
    name = "home"
    count = 4
    ramp = "1/s"
    heartbeat = "1s"
"#;

/// Seconds of the recorded intervals.
const SECONDS: u64 = 12;
/// Latencies whose histograms are compared. Send lag is not among them: the record has it
/// for each worker.
const TAGS: [&str; 2] = ["connect", "heartbeat.response"];

fn options(nats: &Service, run: &str, count: u32, out: &Path) -> RunOptions {
    let workers = BusWorkers {
        bus: BusOptions {
            url: BrokerUrl::parse(&nats.url()).unwrap(),
            credentials: None,
        },
        run: run.parse().unwrap(),
        resume: false,
        count,
        join_timeout: Duration::from_secs(60),
        on_worker_loss: OnWorkerLoss::Continue,
        resume_within: Duration::from_secs(60),
        folder: out.to_owned(),
        misfits: |_, _| Vec::new(),
    };
    RunOptions {
        plan: highwater_scenarios::parse("scenario.toml", SCENARIO, &[]).unwrap(),
        scenario_text: SCENARIO.to_owned(),
        sets: Vec::new(),
        out: out.to_owned(),
        exe: "highwater".into(),
        workers: Workers::Bus(Box::new(workers)),
        metrics_listen: None,
    }
}

fn bus_workers(options: &RunOptions) -> &BusWorkers {
    match &options.workers {
        Workers::Bus(workers) => workers,
        Workers::Local(_) => panic!("the run has a bus"),
    }
}

/// Returns a clock that has passed all recorded seconds.
fn clock() -> RunClock {
    RunClock::starting_at(Instant::now().checked_sub(Duration::from_secs(60)).unwrap())
}

fn recorder(dir: &Path, clock: RunClock) -> RunRecorder {
    let manifest = Manifest {
        schema: RECORD_SCHEMA,
        started_at: chrono::Utc::now(),
        plan: highwater_scenarios::parse("scenario.toml", SCENARIO, &[]).unwrap(),
        scenario_text: String::new(),
        sets: Vec::new(),
        workers: 4,
        versions: BTreeMap::new(),
        host: host(),
        balancer_configuration: None,
    };
    let writer = RecordWriter::create(dir, &manifest).unwrap();
    RunRecorder::new(writer, manifest, clock, SECONDS)
}

/// The counts of one worker in one second.
#[derive(Clone)]
struct Second {
    counters: BTreeMap<&'static str, u64>,
    histograms: BTreeMap<&'static str, LatencyHistogram>,
}

impl Second {
    fn random(random: &mut StdRng) -> Self {
        let histograms = TAGS.map(|tag| {
            let mut histogram = latency_histogram();
            for _ in 0..random.random_range(0..50) {
                // Over six orders of magnitude, as stalls are.
                let exponent = random.random_range(0..7);
                histogram
                    .record(random.random_range(1..10) * 10_u64.pow(exponent))
                    .unwrap();
            }
            (tag, histogram)
        });
        Self {
            counters: [("heartbeats.sent", random.random_range(0..1_000))].into(),
            histograms: histograms.into(),
        }
    }

    fn add(&mut self, other: &Self) {
        for (name, count) in &other.counters {
            *self.counters.entry(name).or_default() += count;
        }
        for (tag, histogram) in &other.histograms {
            let own = self.histograms.entry(tag).or_insert_with(latency_histogram);
            own.add(histogram).unwrap();
        }
    }

    fn interval(&self, second: u64) -> WorkerInterval {
        let encode = |histogram: &LatencyHistogram| {
            let mut bytes = Vec::new();
            let mut serializer = V2DeflateSerializer::new();
            serializer.serialize(histogram, &mut bytes).unwrap();
            BASE64_STANDARD.encode(bytes)
        };
        let counters = self.counters.iter();
        let histograms = self.histograms.iter();
        WorkerInterval {
            second,
            length: 1,
            counters: counters
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
            latencies: histograms
                .map(|(tag, histogram)| ((*tag).to_owned(), encode(histogram)))
                .collect(),
            ..WorkerInterval::default()
        }
    }
}

/// Resumes a record. A child that another test starts at this moment holds a copy of the lock
/// until it runs its program.
async fn resume_record(dir: &Path, lengths: RecordLengths) -> RecordWriter {
    loop {
        match RecordWriter::resume(dir, lengths) {
            Err(RecordError::InUse(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            resumed => return resumed.unwrap(),
        }
    }
}

/// Returns the bytes of each latency's histogram over the whole record, and the sum of each
/// counter.
fn totals(dir: &Path) -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, u64>) {
    let mut merged: BTreeMap<String, LatencyHistogram> = BTreeMap::new();
    let log = std::fs::read_to_string(dir.join("latency.hlog")).unwrap();
    for line in log.lines().filter(|line| line.starts_with("Tag=")) {
        let mut fields = line.split(',');
        let tag = fields.next().unwrap()["Tag=".len()..].to_owned();
        let bytes = BASE64_STANDARD.decode(fields.next_back().unwrap()).unwrap();
        let histogram = HistogramReader::default().read(&bytes).unwrap();
        let own = merged.entry(tag).or_insert_with(latency_histogram);
        own.add(&histogram).unwrap();
    }
    let bytes = merged.into_iter().map(|(tag, histogram)| {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&histogram, &mut bytes)
            .unwrap();
        (tag, bytes)
    });
    let record = highwater_reports::read(dir).unwrap();
    let mut counters = BTreeMap::new();
    for (name, count) in record.intervals.iter().flat_map(|row| row.counters()) {
        *counters.entry(name.to_owned()).or_default() += count;
    }
    (bytes.collect(), counters)
}

fn outbox(session: &BusSession, index: u32) -> Outbox {
    let sender = Sender {
        bus: session.bus.clone(),
        run: session.run.clone(),
        index,
        epoch: 1,
    };
    Outbox::start(sender, Default::default())
}

/// Records what comes over the bus until `done` workers are done. Returns the number of
/// intervals.
async fn record_until_done(link: &mut BusLink, recorder: &mut RunRecorder, done: u32) -> u64 {
    let (mut intervals, mut ended) = (0, 0);
    while ended < done {
        match link.recv().await {
            (id, WorkerEvent::Message(FromWorker::Interval(interval))) => {
                recorder.record_worker_interval(&id, interval).unwrap();
                intervals += 1;
            }
            (_, WorkerEvent::Message(FromWorker::Done)) => ended += 1,
            (_, WorkerEvent::StreamEnd { .. }) => {}
            (id, event) => panic!("{id}: {event:?}"),
        }
    }
    intervals
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_over_a_bus_record_what_one_worker_does() {
    let nats = NatsService::start().unwrap();
    let (one, four) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut random = StdRng::seed_from_u64(7);
    let shares: Vec<Vec<Second>> = (0..4)
        .map(|_| (0..SECONDS).map(|_| Second::random(&mut random)).collect())
        .collect();

    let clock = clock();
    let mut recorder_of_one = recorder(one.path(), clock);
    for second in 0..SECONDS {
        let mut whole = shares[0][second as usize].clone();
        for share in &shares[1..] {
            whole.add(&share[second as usize]);
        }
        let interval = whole.interval(second);
        recorder_of_one
            .record_worker_interval("w1", interval)
            .unwrap();
    }
    recorder_of_one.finish().unwrap();

    let options = options(&nats, "four", 4, four.path());
    let session = BusSession::create(&options, bus_workers(&options), clock)
        .await
        .unwrap();
    let senders = shares.iter().zip(0..).map(|(share, index)| {
        let mut outbox = outbox(&session, index);
        async move {
            for (seconds, second) in share.iter().zip(0..) {
                let message = FromWorker::Interval(seconds.interval(second));
                outbox.send(message).await.unwrap();
            }
            outbox.send(FromWorker::Done).await.unwrap();
            outbox.finish().await.unwrap();
        }
    });
    futures_util::future::join_all(senders).await;
    let mut link = BusLink::new(session, &Checkpoint::default());
    let mut recorder_of_four = recorder(four.path(), clock);
    let intervals = record_until_done(&mut link, &mut recorder_of_four, 4).await;
    assert_eq!(intervals, 4 * SECONDS);
    recorder_of_four.finish().unwrap();
    let (one, four) = (totals(one.path()), totals(four.path()));
    assert_eq!(one.0.keys().collect::<Vec<_>>(), TAGS);
    assert_eq!(one, four);
    link.remove().await;
}

/// A message that is sent again is in the record once: the server knows its id, and behind a
/// checkpoint the coordinator knows its place.
#[tokio::test(flavor = "multi_thread")]
async fn resend_and_resumption_repeat_and_lose_nothing() {
    let nats = NatsService::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let options = options(&nats, "again", 1, dir.path());
    let workers = bus_workers(&options);
    let session = BusSession::create(&options, workers, clock).await.unwrap();
    let (bus, run) = (session.bus.clone(), session.run.clone());
    let mut random = StdRng::seed_from_u64(1);
    let seconds: Vec<Second> = (0..SECONDS).map(|_| Second::random(&mut random)).collect();
    // Twice: as if every acknowledgement of the first time had been lost.
    for _ in 0..2 {
        let mut outbox = outbox(&session, 0);
        for (counts, second) in seconds.iter().zip(0..) {
            let message = FromWorker::Interval(counts.interval(second));
            outbox.send(message).await.unwrap();
        }
        outbox.send(FromWorker::Done).await.unwrap();
        outbox.finish().await.unwrap();
    }
    let mut recorder = recorder(dir.path(), clock);
    let mut link = BusLink::new(session, &Checkpoint::default());
    let mut checkpoint = Checkpoint::default();
    // A coordinator that dies after it has recorded more than its checkpoint holds.
    for second in 0..SECONDS - 2 {
        let (id, event) = link.recv().await;
        let WorkerEvent::Message(FromWorker::Interval(interval)) = event else {
            panic!("{event:?}");
        };
        recorder.record_worker_interval(&id, interval).unwrap();
        if second == 4 {
            checkpoint = Checkpoint {
                lengths: recorder.flush_all().unwrap(),
                ..link.place()
            };
            checkpoint.write(dir.path()).unwrap();
            link.acknowledge(checkpoint.sequence);
        }
    }
    recorder.flush_all().unwrap();
    drop((recorder, link));

    let checkpoint_read = Checkpoint::read(dir.path()).unwrap();
    assert_eq!(checkpoint_read, checkpoint);
    let writer = resume_record(dir.path(), checkpoint.lengths).await;
    let manifest = highwater_reports::record::read_manifest(dir.path()).unwrap();
    let mut recorder = RunRecorder::new(writer, manifest, clock, SECONDS);
    let store = RunStore::open(&bus, &run).await.unwrap().unwrap();
    let control = crate::bus::Control::default();
    let revision = store
        .put(crate::bus::documents::CONTROL_KEY, &control)
        .await
        .unwrap();
    let document = store
        .read::<RunDocument>(RUN_KEY)
        .await
        .unwrap()
        .unwrap()
        .value;
    let session = BusSession::open(bus, run, store, document, control, revision, clock);
    let mut link = BusLink::new(session.await.unwrap(), &checkpoint);
    let intervals = record_until_done(&mut link, &mut recorder, 1).await;
    assert_eq!(intervals, SECONDS - 5);
    recorder.finish().unwrap();
    // The same counts in one interval, recorded without a bus.
    let whole = tempfile::tempdir().unwrap();
    let mut sum = seconds[0].clone();
    seconds[1..].iter().for_each(|second| sum.add(second));
    let mut recorder = self::recorder(whole.path(), clock);
    recorder
        .record_worker_interval("w1", sum.interval(0))
        .unwrap();
    recorder.finish().unwrap();
    assert_eq!(totals(dir.path()), totals(whole.path()));
    link.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_of_another_version_does_not_take_part() {
    let nats = NatsService::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = options(&nats, "version", 1, dir.path());
    let workers = bus_workers(&options);
    let session = BusSession::create(&options, workers, clock())
        .await
        .unwrap();
    let other = RunDocument {
        protocol: 99,
        version: "9.9.9".to_owned(),
        ..session.document.clone()
    };
    session.store.put(RUN_KEY, &other).await.unwrap();
    let ended = run_on_bus(BusWorkerOptions {
        bus: workers.bus.clone(),
        run: workers.run.clone(),
        index: IndexChoice::AnyFree,
        join_timeout: Duration::from_secs(60),
        files: None,
        capacity: WorkerCapacity::default(),
        dialect: None,
    });
    match ended.await {
        Err(WorkerError::Rejected(reason)) => {
            assert!(
                reason.contains("the coordinator's 99 (version 9.9.9)"),
                "{reason}"
            );
        }
        ended => panic!("{ended:?}"),
    }
    let mut claims = session
        .store
        .read::<crate::bus::SegmentClaim>("segment.0")
        .await;
    assert_eq!(claims.as_mut().unwrap(), &mut None);
    session.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_coordinator_of_a_run_ends_the_first() {
    let nats = NatsService::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = options(&nats, "two", 1, dir.path());
    let workers = bus_workers(&options);
    let session = BusSession::create(&options, workers, clock())
        .await
        .unwrap();
    let again = BusSession::create(&options, workers, clock()).await;
    let error = again.err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("the bus has a run two already"));
    let other = crate::bus::Control {
        coordinator: "another".to_owned(),
        ..session.control.control()
    };
    let mut link = BusLink::new(session, &Checkpoint::default());
    let store = {
        let bus = workers.bus.connect("test").await.unwrap();
        RunStore::open(&bus, &workers.run).await.unwrap().unwrap()
    };
    store
        .put(crate::bus::documents::CONTROL_KEY, &other)
        .await
        .unwrap();
    let event = loop {
        match link.recv().await {
            // The stream is empty.
            (_, WorkerEvent::StreamEnd { .. }) => {}
            (_, event) => break event,
        }
    };
    assert!(matches!(event, WorkerEvent::Superseded), "{event:?}");
}
