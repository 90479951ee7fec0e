//! The reader of a node's queue.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
};

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message as SqsMessage};
use tokio::{sync::watch, time::Instant};

use super::{
    clients::{AwsClients, LONG_POLL},
    error::is_missing_queue,
    message::{Message, MessagePath, Recipient, unpack},
    requests::DELIVERY,
    seen::SeenMessages,
    subscriptions::Subscriptions,
};
use crate::backplane::{
    RequestCounters,
    remote::{
        InboundFrame, InboundSender, TransportError, TransportResult, fragments::Reassembler,
    },
};

/// The messages of a request.
const MAX_MESSAGES: i32 = 10;

/// The reader of one queue.
pub(super) struct QueueReader {
    pub(super) clients: AwsClients,
    pub(super) url: String,
    /// The id of the own inbox.
    pub(super) inbox_id: String,
    pub(super) subscriptions: Arc<Subscriptions>,
    pub(super) inbound: InboundSender,
    pub(super) requests: Arc<RequestCounters>,
    /// The number of the last own message that came back through the stream.
    pub(super) returned: watch::Sender<u64>,
    /// The reason why the queue is not read any more.
    pub(super) ended: Arc<OnceLock<TransportError>>,
}

impl QueueReader {
    /// Reads until a request fails, which ends the connection.
    pub(super) async fn run(self) {
        let Err(reason) = self.read_all().await;
        let _ = self.ended.set(reason.clone());
        self.inbound.close(reason);
    }

    async fn read_all(&self) -> TransportResult<Infallible> {
        let mut seen = SeenMessages::default();
        let mut reassembler = Reassembler::default();
        loop {
            let received = self.receive().await?;
            for message in &received {
                self.handle(message, &mut seen, &mut reassembler);
            }
            // SQS hands out the next messages of a sender only when these are deleted.
            self.delete(received).await?;
        }
    }

    async fn receive(&self) -> TransportResult<Vec<SqsMessage>> {
        let request = self
            .clients
            .polling
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MAX_MESSAGES)
            .wait_time_seconds(LONG_POLL.as_secs() as i32)
            .message_attribute_names("All");
        match request.send().await {
            Err(error) if is_missing_queue(&error) => {
                Err(TransportError::broken("the node's queue was deleted"))
            }
            received => Ok(received?.messages.unwrap_or_default()),
        }
    }

    async fn delete(&self, received: Vec<SqsMessage>) -> TransportResult<()> {
        let handles = received
            .into_iter()
            .filter_map(|message| message.receipt_handle);
        let entries = handles.enumerate().map(|(index, handle)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            entry.receipt_handle(handle).build()
        });
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        if entries.is_empty() {
            return Ok(());
        }
        let request = self.clients.sqs.delete_message_batch().queue_url(&self.url);
        match request.set_entries(Some(entries)).send().await {
            Err(error) if is_missing_queue(&error) => {
                Err(TransportError::broken("the node's queue was deleted"))
            }
            // A message whose deletion failed comes again, and is recognised.
            deleted => Ok(deleted.map(drop)?),
        }
    }

    fn handle(&self, message: &SqsMessage, seen: &mut SeenMessages, reassembler: &mut Reassembler) {
        let attributes = message.message_attributes.as_ref();
        let attribute = |name: &str| attributes?.get(name)?.string_value.as_deref();
        let body = message.body.as_deref().unwrap_or_default();
        let Some(message) = Message::parse(attribute, body) else {
            // Any program with permissions may send to the queue.
            tracing::warn!("cannot decode a message in the node's queue; dropped it");
            return;
        };
        if message.id.path != MessagePath::Queue {
            // The provider bills deliveries of the topic, which only the receiver can count.
            let (service, operation) = DELIVERY;
            self.requests.count(service, operation);
        }
        if message.id.path == MessagePath::Stream && message.id.sender == self.inbox_id {
            self.returned.send_replace(message.id.number);
        }
        if !self.is_wanted(&message) || !seen.is_new(message.id, Instant::now()) {
            return;
        }
        let frames: Vec<_> = match message.fragment {
            Some(header) => reassembler
                .push(header, &message.content)
                .into_iter()
                .collect(),
            None => unpack(message.content).collect(),
        };
        for frame in frames {
            self.inbound.push(match &message.recipient {
                Recipient::Inbox(_) => InboundFrame::Inbox(frame),
                Recipient::Everyone => InboundFrame::Everyone(frame),
                Recipient::Topic(topic) => InboundFrame::Topic(topic.clone(), frame),
            });
        }
    }

    /// Whether a message is for this node. The topic delivers those of every other node as well.
    fn is_wanted(&self, message: &Message) -> bool {
        match &message.recipient {
            Recipient::Inbox(id) => *id == self.inbox_id,
            Recipient::Everyone => true,
            Recipient::Topic(topic) => {
                self.subscriptions
                    .contains(topic, &message.id, &self.inbox_id)
            }
        }
    }
}
