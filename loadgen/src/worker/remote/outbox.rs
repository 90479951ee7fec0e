//! The messages of a worker on their way to the stream.

use std::time::Duration;

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};
use highwater_reports::record::names::gauge;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    bus::{Bus, BusError, Envelope, RunId, clock::LatestOffset, codec::encode},
    control::{CoordinatorSink, FromWorker, LinkError},
};

/// Messages that wait for the bus: intervals of ten minutes. Later ones wait in the reporter,
/// whose next interval then covers several seconds.
const OUTBOX_LEN: usize = 600;
/// Longest wait for the server's acknowledgement before a message is sent again.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two attempts while the bus is away.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// Longest time that a worker waits for a bus that is away once its attack has ended.
pub(super) const LAST_SENDS_TIMEOUT: Duration = Duration::from_secs(120);

/// The messages of a worker on their way to the stream, in their order, each until the server
/// has it.
pub(crate) struct Outbox {
    messages: mpsc::Sender<FromWorker>,
    task: AbortOnDropHandle<Result<(), BusError>>,
    offset: LatestOffset,
}

/// The sender of one worker's messages.
pub(crate) struct Sender {
    /// The bus.
    pub(crate) bus: Bus,
    /// The run.
    pub(crate) run: RunId,
    /// The worker's segment.
    pub(crate) index: u32,
    /// The epoch of its claim.
    pub(crate) epoch: u64,
}

impl Outbox {
    /// Starts to send. Intervals carry the clock's offset, once for each measurement in
    /// `offset`.
    pub(crate) fn start(sender: Sender, offset: LatestOffset) -> Self {
        let (messages, receiver) = mpsc::channel(OUTBOX_LEN);
        let task = tokio::spawn(sender.send_all(receiver));
        Self {
            messages,
            task: AbortOnDropHandle::new(task),
            offset,
        }
    }
}

impl CoordinatorSink for Outbox {
    async fn send(&mut self, mut message: FromWorker) -> Result<(), LinkError> {
        if let FromWorker::Interval(interval) = &mut message
            && let Some(offset) = self.offset.lock().take()
        {
            let values = [
                (gauge::CLOCK_OFFSET_US, offset.offset_us),
                (gauge::CLOCK_BOUND_US, offset.bound_us),
            ];
            let gauges = values.map(|(name, value)| (name.to_owned(), value));
            interval.gauges.extend(gauges);
        }
        if self.messages.send(message).await.is_ok() {
            return Ok(());
        }
        // The task ends before its queue only with an error.
        Err(ended(&mut self.task).await)
    }

    async fn finish(self) -> Result<(), LinkError> {
        let Self { messages, task, .. } = self;
        drop(messages);
        match task.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(LinkError::Ended(error.to_string())),
            Err(error) => Err(LinkError::Ended(error.to_string())),
        }
    }
}

async fn ended(task: &mut AbortOnDropHandle<Result<(), BusError>>) -> LinkError {
    let reason = match task.await {
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(())) => "the outbox is closed".to_owned(),
        Err(error) => error.to_string(),
    };
    LinkError::Ended(reason)
}

impl Sender {
    async fn send_all(self, mut messages: mpsc::Receiver<FromWorker>) -> Result<(), BusError> {
        let mut number = 0;
        while let Some(message) = messages.recv().await {
            self.send_until_stored(message, number).await?;
            number += 1;
        }
        Ok(())
    }

    /// Sends a message again and again until the server has stored it. Its id makes a second
    /// arrival none.
    async fn send_until_stored(&self, message: FromWorker, number: u64) -> Result<(), BusError> {
        let envelope = Envelope {
            epoch: self.epoch,
            message,
        };
        let bytes = encode("message of a worker", &envelope)?;
        let limit = self.bus.max_payload();
        if bytes.len() > limit {
            return Err(BusError::TooLarge {
                what: "interval of a worker".to_owned(),
                bytes: bytes.len(),
                limit,
            });
        }
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, envelope.message_id(self.index, number));
        loop {
            let subject = self.run.subject_of(self.index);
            let publish = async {
                let sent =
                    self.bus
                        .context
                        .publish_with_headers(subject, headers.clone(), bytes.clone());
                // The first wait is for the connection, the second for the stream.
                sent.await?.await
            };
            if let Ok(Ok(_)) = timeout(ACK_TIMEOUT, publish).await {
                return Ok(());
            }
            sleep(RETRY_INTERVAL).await;
        }
    }
}
