//! The transport over two connections to RabbitMQ: one publishes, the other one receives.
//!
//! A broker that is short of memory stops reading from connections that publish. On a
//! single connection it would not read the acknowledgements either.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use highwater_types::BrokerUrl;
use lapin::{
    Channel, Event, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueDeleteOptions},
    types::{FieldTable, ShortString},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    connection::{self, AmqpConnection},
    inbox, membership_table,
    names::AmqpNames,
    publisher::{publish, run_in_order},
    server,
};
use crate::{
    backplane::remote::{
        ClusterAddress, InboundSender, Inbox, OutboundFrame, StoredTable, Transport, TransportError,
    },
    id::Topic,
};

/// A node's two connections and its queue.
pub(in crate::backplane) struct AmqpTransport {
    names: AmqpNames,
    inbox: ShortString,
    /// The connection for frames and the membership table.
    publishing: AmqpConnection,
    publish_channel: Channel,
    /// The connection for the inbox and for operations on queues.
    receiving: AmqpConnection,
    queue_channel: Channel,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Transport for AmqpTransport {
    fn check_url(url: &BrokerUrl) -> Result<(), TransportError> {
        server::uri(url).map(drop)
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> Result<Self, TransportError> {
        let uri = server::uri(&address.server)?;
        let names = AmqpNames::new(&address.cluster);
        connection::wait_for_greeting(&uri).await?;
        let publishing = connection::open(&uri, format!("{inbox} publishing")).await?;
        let watching = spawn(watch_connection(
            publishing.events_listener(),
            inbound.clone(),
        ));
        let receiving = connection::open(&uri, format!("{inbox} receiving")).await?;
        let publish_channel = publishing
            .create_channel()
            .await
            .map_err(TransportError::broken)?;
        let queue_channel = receiving
            .create_channel()
            .await
            .map_err(TransportError::broken)?;
        declare_exchanges(&queue_channel, &names)
            .await
            .map_err(TransportError::broken)?;
        let inbox = names.inbox(inbox);
        let queue = inbox::open(&queue_channel, &names, &inbox)
            .await
            .map_err(TransportError::broken)?;
        let (topics, everyone) = (names.topics.clone(), names.everyone.clone());
        let reading =
            inbox::read_deliveries(queue, queue_channel.clone(), topics, everyone, inbound);
        Ok(Self {
            names,
            inbox,
            publishing,
            publish_channel,
            receiving,
            queue_channel,
            _tasks: [watching, spawn(reading)],
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> Result<(), TransportError> {
        let published = publish(&self.publish_channel, &self.names, frames).await;
        published.map_err(TransportError::broken)
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        let (channel, inbox) = (&self.queue_channel, &self.inbox);
        // Binding again what is bound has no effect in AMQP.
        let exchange = &self.names.topics;
        let bound = routing_keys(topics)
            .into_iter()
            .map(async |key| inbox::bind(channel, inbox, exchange, key).await);
        run_in_order(bound).await.map_err(TransportError::broken)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        let unbound = routing_keys(topics).into_iter().map(async |key| {
            let (queue, exchange) = (self.inbox.clone(), self.names.topics.clone());
            let arguments = FieldTable::default();
            let unbinding = self
                .queue_channel
                .queue_unbind(queue, exchange, key, arguments);
            unbinding.await
        });
        run_in_order(unbound).await.map_err(TransportError::broken)
    }

    async fn load_table(&self) -> Result<Option<StoredTable>, TransportError> {
        membership_table::load(&self.publishing, &self.names).await
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> Result<bool, TransportError> {
        membership_table::store(&self.publishing, &self.names, expected_revision, &table).await
    }

    /// Deletes the queue. The broker notifies a reader that is left.
    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), TransportError> {
        delete(&self.queue_channel, self.names.inbox(inbox)).await
    }

    async fn close(self) {
        let _ = delete(&self.queue_channel, self.inbox).await;
        // Publishing first: the broker has read the last frames when it confirms.
        let _ = self.publishing.close_in_order().await;
        let _ = self.receiving.close_in_order().await;
    }
}

/// Spawns a task that ends when its handle is dropped.
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}

/// Returns the topics as routing keys.
fn routing_keys(topics: &[Topic]) -> Vec<ShortString> {
    topics.iter().map(|topic| topic.as_str().into()).collect()
}

async fn declare_exchanges(channel: &Channel, names: &AmqpNames) -> lapin::Result<()> {
    // Not durable: exchanges end with the broker, and each connection declares them.
    for (name, kind) in [
        (&names.everyone, ExchangeKind::Fanout),
        (&names.topics, ExchangeKind::Direct),
    ] {
        let options = ExchangeDeclareOptions::default();
        let arguments = FieldTable::default();
        channel
            .exchange_declare(name.clone(), kind, options, arguments)
            .await?;
    }
    Ok(())
}

async fn delete(channel: &Channel, queue: ShortString) -> Result<(), TransportError> {
    let deleted = channel.queue_delete(queue, QueueDeleteOptions::default());
    deleted.await.map(drop).map_err(TransportError::broken)
}

/// Closes `inbound` at the end of the publishing connection. The reader of the inbox does
/// so at the end of the receiving one.
async fn watch_connection(events: impl Stream<Item = Event>, inbound: InboundSender) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            // A soft error ends one channel, whose user gets it as the result of a call.
            Event::Error(error) if !error.is_amqp_soft_error() => {
                return inbound.close(TransportError::broken(error));
            }
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(reason, "RabbitMQ raised an alarm and accepts no messages");
            }
            Event::ConnectionUnblocked => tracing::info!("RabbitMQ accepts messages again"),
            _ => {}
        }
    }
}
