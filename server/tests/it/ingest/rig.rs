//! A node, a device that sends, consumers and their journals.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    time::Duration,
};

use bytes::Bytes;
use highwater_server::{ConsumerConfig, consumer, listen};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::{
    ground::Ground,
    rig::{TestDevice, TestNode, any_port, http_request, until},
};

/// Records that the device has in flight at once.
pub(super) const MAX_IN_FLIGHT: usize = 8;

/// A node and the consumers of one queue.
pub(super) struct IngestRig {
    pub(super) ground: Ground,
    pub(super) node: TestNode,
    consumers: BTreeMap<String, RunningConsumer>,
    journals: tempfile::TempDir,
}

struct RunningConsumer {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HandledRecord {
    pub(super) id: String,
    pub(super) redelivered: bool,
}

impl IngestRig {
    pub(super) async fn new(ground: Ground) -> Self {
        Self {
            node: TestNode::join("n1", &ground).await,
            ground,
            consumers: BTreeMap::new(),
            journals: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts a consumer and waits until it has joined. It continues the journal of an earlier
    /// consumer with the same name.
    pub(super) async fn consumer(&mut self, group: &str, id: &str, processing_time: Duration) {
        let (group, name) = (group.parse().unwrap(), id.parse().unwrap());
        let config = ConsumerConfig {
            cluster: self.ground.config().cluster,
            cluster_secret: self.ground.config().secret,
            journal: Some(self.journal(id)),
            processing_time,
            ..ConsumerConfig::new(self.ground.telemetry(), group, name)
        };
        let shutdown = CancellationToken::new();
        let listener = listen(any_port()).unwrap();
        let address = listener.local_addr().unwrap();
        let running = consumer::run(Some(listener), config, shutdown.clone());
        let task = tokio::spawn(async { running.await.unwrap() });
        let running = RunningConsumer { shutdown, task };
        self.consumers.insert(id.to_owned(), running);
        until("the consumer has joined", async || {
            let response = http_request(address, "GET", "/readyz", &[], Bytes::new());
            response.await.status == 200
        })
        .await;
    }

    /// Ends a consumer as SIGKILL would, without acknowledging anything.
    pub(super) fn kill_consumer(&mut self, id: &str) {
        self.consumers.remove(id).unwrap().task.abort();
    }

    /// Asks a consumer to end, and waits for it.
    pub(super) async fn end_consumer(&mut self, id: &str) {
        let consumer = self.consumers.remove(id).unwrap();
        consumer.shutdown.cancel();
        consumer.task.await.unwrap();
    }

    /// Returns the records in a consumer's journal.
    pub(super) fn handled(&self, id: &str) -> Vec<HandledRecord> {
        let text = std::fs::read_to_string(self.journal(id)).unwrap_or_default();
        let lines = text.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            HandledRecord {
                id: line["id"].as_str().unwrap().to_owned(),
                redelivered: line["redelivered"].as_bool().unwrap(),
            }
        });
        lines.collect()
    }

    /// Returns how often these consumers together handled each record, and the number of records
    /// marked as redelivered.
    pub(super) fn delivery_counts(&self, ids: &[&str]) -> (BTreeMap<String, usize>, usize) {
        let mut times = BTreeMap::new();
        let mut redelivered = 0;
        for handled in ids.iter().flat_map(|id| self.handled(id)) {
            *times.entry(handled.id).or_default() += 1;
            redelivered += usize::from(handled.redelivered);
        }
        (times, redelivered)
    }

    /// Waits until these consumers together have handled `count` different records.
    pub(super) async fn wait_handled(&self, ids: &[&str], count: usize) {
        let deadline = Instant::now() + self.ground.redelivery_timeout();
        while self.delivery_counts(ids).0.len() < count {
            assert!(Instant::now() < deadline, "too few records are handled");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends the records `0-0` to `0-COUNT` as one device, each again until it is accepted. The
    /// receiver has the number of accepted records.
    pub(super) fn send(&self, count: usize) -> (JoinHandle<()>, watch::Receiver<usize>) {
        let (accepted, progress) = watch::channel(0);
        let address = self.node.address;
        let task = tokio::spawn(async move {
            let mut sender = TelemetrySource::new(count);
            let mut device = TestDevice::open_at(address, "home-0").await.unwrap();
            while accepted.borrow().to_owned() < count {
                sender.send_due(&mut device).await;
                tokio::select! {
                    frame = device.next() => if sender.record_result(frame) {
                        accepted.send_modify(|count| *count += 1);
                    },
                    () = sleep_until(sender.next_retry()) => {}
                }
            }
        });
        (task, progress)
    }

    fn journal(&self, id: &str) -> PathBuf {
        self.journals.path().join(id).with_extension("jsonl")
    }
}

/// The records of a device: unsent, in flight, and rejected with the time of their retry.
struct TelemetrySource {
    unsent: VecDeque<String>,
    in_flight: usize,
    retries: VecDeque<(Instant, String)>,
}

impl TelemetrySource {
    fn new(count: usize) -> Self {
        Self {
            unsent: (0..count).map(|number| format!("0-{number}")).collect(),
            in_flight: 0,
            retries: VecDeque::new(),
        }
    }

    async fn send_due(&mut self, device: &mut TestDevice) {
        while self.in_flight < MAX_IN_FLIGHT
            && let Some(id) = self.next_due()
        {
            self.in_flight += 1;
            device
                .send(json!({"type": "telemetry", "id": id, "body": {"t": 21.5}}))
                .await;
        }
    }

    fn next_due(&mut self) -> Option<String> {
        let is_due = |(at, _): &mut (Instant, String)| *at <= Instant::now();
        match self.retries.pop_front_if(is_due) {
            Some((_, id)) => Some(id),
            None => self.unsent.pop_front(),
        }
    }

    fn next_retry(&self) -> Instant {
        let far = Instant::now() + crate::rig::TEST_TIMEOUT;
        self.retries.front().map_or(far, |(at, _)| *at)
    }

    /// Takes the node's answer to a record. Returns whether the record is accepted.
    fn record_result(&mut self, frame: Option<Message>) -> bool {
        let Some(Message::Text(text)) = frame else {
            panic!("expected an answer to a telemetry record, got {frame:?}");
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        self.in_flight -= 1;
        match frame["type"].as_str().unwrap() {
            "accepted" => true,
            "rejected" => {
                let pause = Duration::from_millis(frame["retry_ms"].as_u64().unwrap());
                let id = frame["id"].as_str().unwrap().to_owned();
                self.retries.push_back((Instant::now() + pause, id));
                false
            }
            other => panic!("{other}"),
        }
    }
}
