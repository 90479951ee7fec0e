//! The messages of workers, in the order of the stream.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, pull},
    message::Message,
};
use futures_util::StreamExt;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use super::item::PoolItem;
use crate::{
    bus::{Bus, BusError, Envelope, RunId, codec::decode},
    control::FromWorker,
};

/// Messages of one request to the server.
const BATCH: usize = 128;
/// Time that the server keeps a request open that it cannot fill.
const BATCH_EXPIRES: Duration = Duration::from_secs(2);
/// Longest wait for the next message or the end of a batch.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between two attempts while the bus is away.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// Time without a request after which the server forgets the consumer.
const INACTIVE_THRESHOLD: Duration = Duration::from_secs(30);

/// Reads the stream from message `next` on and sends what it reads, until the receiver is
/// gone. A break of the connection loses and repeats nothing, because the numbers of the
/// stream have no gap. Sends as well when the stream is read to its end, and when it cannot be.
pub(super) async fn read_stream(
    bus: Bus,
    run: RunId,
    mut next: u64,
    items: mpsc::Sender<PoolItem>,
) {
    let mut answered = Instant::now();
    while !items.is_closed() {
        let read = read_with_one_consumer(&bus, &run, &mut next, &mut answered, &items).await;
        // An error is one of the bus: the next consumer begins where this one ended.
        if let Err(error) = read {
            let since = answered;
            // Without a receiver the loop ends.
            let _ = items.send(PoolItem::StreamLost { since, error }).await;
        }
        sleep(RETRY_INTERVAL).await;
    }
}

async fn read_with_one_consumer(
    bus: &Bus,
    run: &RunId,
    next: &mut u64,
    answered: &mut Instant,
    items: &mpsc::Sender<PoolItem>,
) -> Result<(), BusError> {
    let failed = |error: String| BusError::failed("read the run's stream", error);
    let stream = bus.context.get_stream(run.bucket()).await;
    let mut stream = stream.map_err(|error| failed(error.to_string()))?;
    let info = stream.info().await;
    let first = info
        .map_err(|error| failed(error.to_string()))?
        .state
        .first_sequence;
    // What the stream has dropped, the record holds.
    *next = (*next).max(first).max(1);
    let consumer = stream.create_consumer(pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: *next,
        },
        // The purge after a checkpoint is the acknowledgement.
        ack_policy: AckPolicy::None,
        inactive_threshold: INACTIVE_THRESHOLD,
        ..pull::Config::default()
    });
    let consumer = consumer.await.map_err(|error| failed(error.to_string()))?;
    loop {
        let asked = Instant::now();
        let mut received = 0;
        let batch = consumer.batch().max_messages(BATCH).expires(BATCH_EXPIRES);
        let mut messages = batch
            .messages()
            .await
            .map_err(|error| failed(error.to_string()))?;
        while let Some(message) = timeout(ANSWER_TIMEOUT, messages.next())
            .await
            .map_err(|_| failed("no answer in time".to_owned()))?
        {
            let message = message.map_err(|error| failed(error.to_string()))?;
            let info = message.info().map_err(|error| failed(error.to_string()))?;
            let sequence = info.stream_sequence;
            *answered = Instant::now();
            received += 1;
            if sequence < *next {
                continue;
            }
            if sequence > *next {
                return Err(failed(format!("message {next} is missing")));
            }
            let item = parse(&message, sequence);
            if items.send(item).await.is_err() {
                return Ok(());
            }
            *next = sequence + 1;
        }
        // The server has no more, unless it was the client that gave up the wait for it.
        if received < BATCH && asked.elapsed() < ANSWER_TIMEOUT {
            *answered = Instant::now();
            if items.send(PoolItem::StreamEnd { at: asked }).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Returns what a message says, within the limits of what a message may hold.
fn parse(message: &Message, sequence: u64) -> PoolItem {
    let index = message.subject.rsplit('.').next();
    let index = index.and_then(|index| index.parse().ok());
    let envelope = decode::<Envelope>("message of a worker", &message.payload);
    match (index, envelope) {
        (Some(index), Ok(mut envelope)) => {
            if let FromWorker::Interval(interval) = &mut envelope.message {
                // Before the queue, so that what is left out takes no memory there.
                interval.enforce_limits();
            }
            PoolItem::Received {
                sequence,
                index,
                envelope,
            }
        }
        (_, Err(error)) => PoolItem::Unreadable {
            sequence,
            reason: error.to_string(),
        },
        (None, Ok(_)) => PoolItem::Unreadable {
            sequence,
            reason: format!("the subject {} names no worker", message.subject),
        },
    }
}
