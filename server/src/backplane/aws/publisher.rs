//! Sending: frames in messages, and messages in batches.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use aws_sdk_sns::types::PublishBatchRequestEntry;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    clients::AwsClients,
    error::is_missing_queue,
    message::{Draft, Message, MessageId, MessagePath, Recipient},
    queues::ClusterQueues,
};
use crate::backplane::remote::{TransportError, TransportResult};

/// The messages of a request.
const MAX_BATCH: usize = 10;
/// The bytes of the bodies of a request, which leave room for attributes below 256 KiB.
const MAX_BATCH_BYTES: usize = 246 * 1024;
/// The queues to which requests are sent at once.
const MAX_CONCURRENT_QUEUES: usize = 16;

/// The sender of one connection's messages.
#[derive(Debug)]
pub(super) struct Publisher {
    clients: AwsClients,
    /// The id of the own inbox. It is the group of all messages, within which order is kept.
    sender: String,
    next_number: AtomicU64,
}

impl Publisher {
    pub(super) fn new(clients: AwsClients, sender: String) -> Self {
        Self {
            clients,
            sender,
            next_number: AtomicU64::new(1),
        }
    }

    /// Returns the number of the next message.
    pub(super) fn next_number(&self) -> u64 {
        self.next_number.load(Relaxed)
    }

    /// Gives a draft its id.
    pub(super) fn number(&self, draft: Draft, path: MessagePath) -> Message {
        draft.into_message(MessageId {
            sender: self.sender.clone(),
            path,
            number: self.next_number.fetch_add(1, Relaxed),
        })
    }

    /// Sends messages to the queues of their recipients.
    pub(super) async fn send_to_queues(
        &self,
        queues: &ClusterQueues,
        messages: Vec<Message>,
    ) -> TransportResult<()> {
        let mut by_queue: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        for message in messages {
            if let Recipient::Inbox(id) = &message.recipient {
                let of_queue = by_queue.entry(queues.url_of_id(id)).or_default();
                of_queue.push(message);
            }
        }
        stream::iter(by_queue)
            .map(Ok)
            .try_for_each_concurrent(MAX_CONCURRENT_QUEUES, async |(url, messages)| {
                for batch in batches(messages) {
                    self.send_batch(&url, batch).await?;
                }
                Ok(())
            })
            .await
    }

    /// Publishes messages on the cluster's topic, in order.
    pub(super) async fn publish(&self, topic: &str, messages: Vec<Message>) -> TransportResult<()> {
        for batch in batches(messages) {
            let entries = batch.into_iter().enumerate().map(|(index, message)| {
                let mut entry = PublishBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message(message.body())
                    .message_group_id(&message.id.sender)
                    .message_deduplication_id(message.id.to_string());
                for (name, value) in message.attributes() {
                    let value = aws_sdk_sns::types::MessageAttributeValue::builder()
                        .data_type("String")
                        .string_value(value)
                        .build()?;
                    entry = entry.message_attributes(name, value);
                }
                Ok(entry.build()?)
            });
            let entries: TransportResult<Vec<_>> = entries.collect();
            let request = self.clients.sns.publish_batch().topic_arn(topic);
            let sent = request.set_publish_batch_request_entries(Some(entries?));
            let failed = sent.send().await?.failed.unwrap_or_default();
            check(failed.iter().map(|failed| failed.code.as_str()))?;
        }
        Ok(())
    }

    async fn send_batch(&self, url: &str, batch: Vec<Message>) -> TransportResult<()> {
        let entries = batch.into_iter().enumerate().map(|(index, message)| {
            let mut entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(message.body())
                .message_group_id(&message.id.sender)
                .message_deduplication_id(message.id.to_string());
            for (name, value) in message.attributes() {
                let value = aws_sdk_sqs::types::MessageAttributeValue::builder()
                    .data_type("String")
                    .string_value(value)
                    .build()?;
                entry = entry.message_attributes(name, value);
            }
            Ok(entry.build()?)
        });
        let entries: TransportResult<Vec<_>> = entries.collect();
        let request = self.clients.sqs.send_message_batch().queue_url(url);
        match request.set_entries(Some(entries?)).send().await {
            // The node has left: the frame is dropped, as for every inbox that does not exist.
            Err(error) if is_missing_queue(&error) => Ok(()),
            sent => check(sent?.failed.iter().map(|failed| failed.code.as_str())),
        }
    }
}

/// Fails if the service rejected messages of a batch.
///
/// The later messages of the batch may be in the queue. Sending the rejected ones again would
/// put them behind those, so the connection ends instead.
fn check<'c>(mut failed: impl Iterator<Item = &'c str>) -> TransportResult<()> {
    match failed.next() {
        None => Ok(()),
        Some(code) => Err(TransportError::Broken(format!(
            "the service rejected a message: {code}"
        ))),
    }
}

/// Divides messages into requests, in order.
fn batches(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut batches: Vec<Vec<Message>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        // Base64 makes four bytes of three.
        let size = message.content.len().div_ceil(3) * 4;
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_BATCH && bytes + size <= MAX_BATCH_BYTES => {
                bytes += size;
                batch.push(message);
            }
            _ => {
                bytes = size;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64, bytes: usize) -> Message {
        Message {
            recipient: Recipient::Everyone,
            id: MessageId {
                sender: "s".to_owned(),
                path: MessagePath::Topic,
                number,
            },
            fragment: None,
            content: vec![0; bytes].into(),
        }
    }

    #[test]
    fn batch_is_bounded_in_number_and_bytes() {
        let sizes = |lengths: &[usize]| -> Vec<usize> {
            let numbered = lengths.iter().zip(0..);
            let messages = numbered.map(|(bytes, number)| message(number, *bytes));
            batches(messages.collect()).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(&[10; 25]), [10, 10, 5]);
        assert_eq!(sizes(&[100_000, 80_000, 10_000, 180_000]), [2, 1, 1]);
        assert!(sizes(&[]).is_empty());
    }
}
