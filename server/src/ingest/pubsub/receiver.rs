//! The stream of a subscription's records.

use google_cloud_pubsub::{
    client::Subscriber,
    model::Message,
    subscriber::{
        MessageStream, ShutdownBehavior, ShutdownToken,
        handler::{ExactlyOnce, Handler},
    },
};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{
    super::{
        Telemetry,
        queue::{MAX_UNACKED, QueueError},
    },
    resources::{ACK_DEADLINE, rejected},
};

/// The bytes that the service delivers before it waits for acknowledgements.
const MAX_UNACKED_BYTES: i64 = 16 * 1024 * 1024;
/// The records that are read from the stream. The service keeps to [`MAX_UNACKED`]; an emulator
/// delivers all that it has. The client library extends the deadlines of those that are read.
const MAX_READ: usize = 8_192;

/// A record that was received.
pub(super) struct ReceivedRecord {
    pub(super) telemetry: Option<Telemetry>,
    pub(super) redelivered: bool,
    /// The library's handle of the record. The service delivers it again if this is dropped.
    pub(super) handler: ExactlyOnce,
}

/// The end of a stream that has the records.
pub(super) struct RecordReceiver {
    records: mpsc::Receiver<Result<ReceivedRecord, QueueError>>,
    shutdown: ShutdownToken,
    _reader: AbortOnDropHandle<()>,
}

impl RecordReceiver {
    /// Starts to receive the records of a subscription.
    pub(super) fn start(subscriber: &Subscriber, subscription: &str) -> Self {
        let stream = subscriber
            .subscribe(subscription)
            .set_max_lease_extension(ACK_DEADLINE)
            .set_max_outstanding_messages(MAX_UNACKED as i64)
            .set_max_outstanding_bytes(MAX_UNACKED_BYTES)
            // Records that this member has not handled go to others at once.
            .set_shutdown_behavior(ShutdownBehavior::NackImmediately)
            .build();
        let shutdown = stream.shutdown_token();
        let (sender, records) = mpsc::channel(MAX_READ);
        Self {
            records,
            shutdown,
            _reader: AbortOnDropHandle::new(tokio::spawn(read(stream, sender))),
        }
    }

    /// Waits for records, and returns at most `limit` of them. Cancel-safe.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Vec<ReceivedRecord>, QueueError> {
        let mut records = Vec::with_capacity(limit);
        match self.records.recv_many(&mut records, limit).await {
            0 => Err(QueueError::disconnected("the stream of records has ended")),
            _ => records.into_iter().collect(),
        }
    }

    /// Returns everything that is not acknowledged to the service, and ends the stream.
    pub(super) async fn end(self) {
        self.shutdown.shutdown().await;
    }
}

/// Reads a stream until it fails.
async fn read(
    mut stream: MessageStream,
    records: mpsc::Sender<Result<ReceivedRecord, QueueError>>,
) {
    while let Some(next) = stream.next().await {
        let record = next
            .map_err(QueueError::from)
            .and_then(|(message, handler)| record(&message, handler));
        let is_last = record.is_err();
        if records.send(record).await.is_err() || is_last {
            return;
        }
    }
}

fn record(message: &Message, handler: Handler) -> Result<ReceivedRecord, QueueError> {
    let Handler::ExactlyOnce(handler) = handler else {
        return Err(rejected("the subscription has no exactly-once delivery"));
    };
    let attempt = handler
        .delivery_attempt()
        .ok_or_else(|| rejected("the subscription counts no delivery attempts"))?;
    Ok(ReceivedRecord {
        telemetry: Telemetry::decode(&message.data),
        redelivered: attempt > 1,
        handler,
    })
}
