//! The reader of one shard.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodbstreams::{
    Client,
    types::{OperationType, Record, ShardIteratorType},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};

use super::{
    super::{message::Message, publisher::Publisher},
    action_table::message_in,
    checkpoints::{Checkpoints, Place},
    rules::RoutingRules,
};
use crate::backplane::remote::TransportResult;

/// The shortest time between two requests for records. A shard allows five in a second.
const MIN_INTERVAL: Duration = Duration::from_millis(210);
/// The longest pause after a failed request.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The parts that the readers of all shards share.
pub(super) struct ReaderShared {
    pub(super) streams: Client,
    pub(super) stream: String,
    pub(super) publisher: Publisher,
    pub(super) topic: String,
    pub(super) rules: RoutingRules,
    pub(super) checkpoints: Mutex<Checkpoints>,
}

/// Reads a shard from its checkpoint to its end. Returns the name of the shard.
pub(super) async fn read(shared: Arc<ReaderShared>, shard: String) -> String {
    let mut pause = MIN_INTERVAL;
    loop {
        match shared.read_to_end(&shard, &mut pause).await {
            Ok(()) => return shard,
            Err(error) => {
                tracing::warn!(shard, %error, "cannot read the stream; going on from the checkpoint");
                sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
}

impl ReaderShared {
    async fn read_to_end(&self, shard: &str, pause: &mut Duration) -> TransportResult<()> {
        let mut iterator = self.iterator(shard).await?;
        while let Some(current) = iterator {
            let began = Instant::now();
            let page = self.streams.get_records().shard_iterator(current);
            let page = page.send().await?;
            let records = page.records.unwrap_or_default();
            self.publish(&records).await?;
            if let Some(sequence) = records.iter().rev().find_map(sequence_number) {
                let place = Place::After(sequence.to_owned());
                self.checkpoints.lock().await.store(shard, place).await?;
            }
            *pause = MIN_INTERVAL;
            iterator = page.next_shard_iterator;
            sleep_until(began + MIN_INTERVAL).await;
        }
        let mut checkpoints = self.checkpoints.lock().await;
        checkpoints.store(shard, Place::Ended).await
    }

    /// Returns an iterator behind the checkpoint. `None` is the end of the shard.
    async fn iterator(&self, shard: &str) -> TransportResult<Option<String>> {
        let place = self.checkpoints.lock().await.place(shard).cloned();
        let request = self
            .streams
            .get_shard_iterator()
            .stream_arn(&self.stream)
            .shard_id(shard);
        let from_start = || {
            let request = request.clone();
            request.shard_iterator_type(ShardIteratorType::TrimHorizon)
        };
        let request = match place {
            Some(Place::Ended) => return Ok(None),
            None => from_start(),
            Some(Place::After(sequence)) => {
                let behind = request
                    .clone()
                    .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                    .sequence_number(sequence);
                match behind.send().await {
                    Err(error)
                        if error
                            .as_service_error()
                            .is_some_and(|answer| answer.is_trimmed_data_access_exception()) =>
                    {
                        tracing::warn!(
                            shard,
                            "the filter was away for more than a day: actions were lost"
                        );
                        from_start()
                    }
                    behind => return Ok(behind?.shard_iterator),
                }
            }
        };
        Ok(request.send().await?.shard_iterator)
    }

    /// Publishes the actions in new records, in order.
    async fn publish(&self, records: &[Record]) -> TransportResult<()> {
        let messages: Vec<Message> = records
            .iter()
            // Records are removed when they have expired.
            .filter(|record| record.event_name == Some(OperationType::Insert))
            .filter_map(|record| message_in(record.dynamodb.as_ref()?.new_image.as_ref()?))
            .filter(|message| self.rules.publishes(&message.recipient))
            .collect();
        self.publisher.publish(&self.topic, messages).await
    }
}

fn sequence_number(record: &Record) -> Option<&str> {
    record.dynamodb.as_ref()?.sequence_number.as_deref()
}
