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
    error::broken,
    inbox, membership_table,
    names::Names,
    publisher::{in_order, publish},
    server,
};
use crate::{
    backplane::remote::{Address, Carrier, CarrierError, Inbox, Intake, Outgoing, Stored},
    id::Topic,
};

/// A node's connections and its queue.
pub(in crate::backplane) struct Amqp {
    names: Names,
    inbox: ShortString,
    /// Frames and the roster.
    publishing: AmqpConnection,
    frames: Channel,
    /// The inbox, and what is to be done to queues.
    receiving: AmqpConnection,
    queues: Channel,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Carrier for Amqp {
    async fn connect(
        address: &Address,
        me: &Inbox,
        arrivals: Intake,
    ) -> Result<Self, CarrierError> {
        let uri = server::uri(&address.server)?;
        let names = Names::of(&address.cluster);
        connection::greet(&uri).await?;
        let publishing = connection::open(&uri, format!("{me} publishing")).await?;
        let watching = spawn(watch(publishing.events_listener(), arrivals.clone()));
        let receiving = connection::open(&uri, format!("{me} receiving")).await?;
        let frames = publishing.create_channel().await.map_err(broken)?;
        let queues = receiving.create_channel().await.map_err(broken)?;
        declare_exchanges(&queues, &names).await.map_err(broken)?;
        let inbox = names.inbox(me);
        let queue = inbox::open(&queues, &names, &inbox).await.map_err(broken)?;
        let (topics, everyone) = (names.topics.clone(), names.everyone.clone());
        let reading = inbox::read(queue, queues.clone(), topics, everyone, arrivals);
        Ok(Self {
            names,
            inbox,
            publishing,
            frames,
            receiving,
            queues,
            _tasks: [watching, spawn(reading)],
        })
    }

    async fn send(&self, frames: Vec<Outgoing>) -> Result<(), CarrierError> {
        let published = publish(&self.frames, &self.names, frames).await;
        published.map_err(broken)
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        let Self { queues, inbox, .. } = self;
        let exchange = &self.names.topics;
        let bound = keys(topics)
            .into_iter()
            .map(async |key| inbox::bind(queues, inbox, exchange, key).await);
        in_order(bound).await.map_err(broken)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        let unbound = keys(topics).into_iter().map(async |key| {
            let (queue, exchange) = (self.inbox.clone(), self.names.topics.clone());
            let arguments = FieldTable::default();
            let unbinding = self.queues.queue_unbind(queue, exchange, key, arguments);
            unbinding.await
        });
        in_order(unbound).await.map_err(broken)
    }

    async fn load(&self) -> Result<Option<Stored>, CarrierError> {
        membership_table::load(&self.publishing, &self.names).await
    }

    async fn store(&self, instead_of: Option<u64>, roster: Bytes) -> Result<bool, CarrierError> {
        membership_table::store(&self.publishing, &self.names, instead_of, &roster).await
    }

    /// Deletes the queue. Whoever still reads it is told by the broker.
    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), CarrierError> {
        delete(&self.queues, self.names.inbox(inbox)).await
    }

    async fn close(self) {
        let _ = delete(&self.queues, self.inbox).await;
        let _ = self.publishing.close(200, "OK".into()).await;
        let _ = self.receiving.close(200, "OK".into()).await;
    }
}

/// A task that ends with its handle.
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}

/// Topics as routing keys.
fn keys(topics: &[Topic]) -> Vec<ShortString> {
    topics.iter().map(|topic| topic.as_str().into()).collect()
}

async fn declare_exchanges(channel: &Channel, names: &Names) -> lapin::Result<()> {
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

async fn delete(channel: &Channel, queue: ShortString) -> Result<(), CarrierError> {
    let deleted = channel.queue_delete(queue, QueueDeleteOptions::default());
    deleted.await.map(drop).map_err(broken)
}

/// Tells the end of the publishing connection. The receiving one's is told by the
/// reader of the inbox.
async fn watch(events: impl Stream<Item = Event>, arrivals: Intake) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            // Soft errors end a channel: that is an answer to whoever used it.
            Event::Error(error) if !error.is_amqp_soft_error() => {
                return arrivals.broke(broken(error));
            }
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(reason, "RabbitMQ takes no messages");
            }
            Event::ConnectionUnblocked => tracing::info!("RabbitMQ takes messages again"),
            _ => {}
        }
    }
}
