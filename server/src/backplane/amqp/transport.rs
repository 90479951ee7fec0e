//! The carrier over two RabbitMQ connections: one publishes, one receives. A broker
//! that is short of memory stops reading from connections that publish, and would
//! stop hearing acknowledgements with it.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
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

/// A node's connections and its queue.
pub(in crate::backplane) struct AmqpTransport {
    names: AmqpNames,
    inbox: ShortString,
    /// Frames and the roster.
    publishing: AmqpConnection,
    publish_channel: Channel,
    /// The inbox, and what is to be done to queues.
    receiving: AmqpConnection,
    queue_channel: Channel,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Transport for AmqpTransport {
    async fn connect(
        address: &ClusterAddress,
        me: &Inbox,
        arrivals: InboundSender,
    ) -> Result<Self, TransportError> {
        let uri = server::uri(&address.server)?;
        let names = AmqpNames::new(&address.cluster);
        connection::wait_for_greeting(&uri).await?;
        let publishing = connection::open(&uri, format!("{me} publishing")).await?;
        let watching = spawn(watch_connection(
            publishing.events_listener(),
            arrivals.clone(),
        ));
        let receiving = connection::open(&uri, format!("{me} receiving")).await?;
        let frames = publishing
            .create_channel()
            .await
            .map_err(TransportError::broken)?;
        let queues = receiving
            .create_channel()
            .await
            .map_err(TransportError::broken)?;
        declare_exchanges(&queues, &names)
            .await
            .map_err(TransportError::broken)?;
        let inbox = names.inbox(me);
        let queue = inbox::open(&queues, &names, &inbox)
            .await
            .map_err(TransportError::broken)?;
        let (topics, everyone) = (names.topics.clone(), names.everyone.clone());
        let reading = inbox::read_deliveries(queue, queues.clone(), topics, everyone, arrivals);
        Ok(Self {
            names,
            inbox,
            publishing,
            publish_channel: frames,
            receiving,
            queue_channel: queues,
            _tasks: [watching, spawn(reading)],
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> Result<(), TransportError> {
        let published = publish(&self.publish_channel, &self.names, frames).await;
        published.map_err(TransportError::broken)
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        let Self {
            queue_channel: queues,
            inbox,
            ..
        } = self;
        let exchange = &self.names.topics;
        let bound = routing_keys(topics)
            .into_iter()
            .map(async |key| inbox::bind(queues, inbox, exchange, key).await);
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
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> Result<bool, TransportError> {
        membership_table::store(&self.publishing, &self.names, instead_of, &roster).await
    }

    /// Deletes the queue. Whoever still reads it is told by the broker.
    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), TransportError> {
        delete(&self.queue_channel, self.names.inbox(inbox)).await
    }

    async fn close(self) {
        let _ = delete(&self.queue_channel, self.inbox).await;
        let _ = self.publishing.close(200, "OK".into()).await;
        let _ = self.receiving.close(200, "OK".into()).await;
    }
}

/// A task that ends with its handle.
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}

/// Topics as routing keys.
fn routing_keys(topics: &[Topic]) -> Vec<ShortString> {
    topics.iter().map(|topic| topic.as_str().into()).collect()
}

async fn declare_exchanges(channel: &Channel, names: &AmqpNames) -> lapin::Result<()> {
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

/// Tells the end of the publishing connection. The receiving one's is told by the
/// reader of the inbox.
async fn watch_connection(events: impl Stream<Item = Event>, arrivals: InboundSender) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            // Soft errors end a channel: that is an answer to whoever used it.
            Event::Error(error) if !error.is_amqp_soft_error() => {
                return arrivals.close(TransportError::broken(error));
            }
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(reason, "RabbitMQ takes no messages");
            }
            Event::ConnectionUnblocked => tracing::info!("RabbitMQ takes messages again"),
            _ => {}
        }
    }
}
