//! The transport over two connections to RabbitMQ: one publishes, the other one receives.
//!
//! A broker that is short of memory stops reading from connections that publish. With one
//! connection for both, it would not read the node's acknowledgements either.

use std::sync::Arc;

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
    connection::{self, AmqpConnection, close_channel},
    error::is_not_found,
    inbox, membership_table,
    names::AmqpNames,
    publisher::{publish, run_in_order},
    server::{self, AmqpServer},
};
use crate::{
    backplane::remote::{
        ClusterAddress, InboundSender, Inbox, OutboundFrame, StoredTable, Transport,
        TransportResult,
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
    fn check_url(url: &BrokerUrl) -> TransportResult<()> {
        server::uri(url).map(drop)
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> TransportResult<Self> {
        let server = Arc::new(AmqpServer::from_url(&address.server)?);
        let names = AmqpNames::new(&address.cluster);
        // Once for both connections: the call opens a third one and closes it after the
        // greeting. The broker logs each such close as a client that went away.
        connection::wait_for_greeting(&server).await?;
        let publishing = connection::open(&server, format!("{inbox} publishing")).await?;
        let events = publishing.events_listener();
        let watch_task = spawn(watch_connection(events, inbound.clone()));
        let receiving = connection::open(&server, format!("{inbox} receiving")).await?;
        let publish_channel = publishing.create_channel().await?;
        let queue_channel = receiving.create_channel().await?;
        declare_exchanges(&queue_channel, &names).await?;
        let inbox = names.inbox(inbox);
        let queue = inbox::open(&queue_channel, &names, &inbox).await?;
        let (topics, everyone) = (names.topics.clone(), names.everyone.clone());
        let deliveries =
            inbox::read_deliveries(queue, queue_channel.clone(), topics, everyone, inbound);
        Ok(Self {
            names,
            inbox,
            publishing,
            publish_channel,
            receiving,
            queue_channel,
            _tasks: [watch_task, spawn(deliveries)],
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> TransportResult<()> {
        Ok(publish(&self.publish_channel, &self.names, frames).await?)
    }

    async fn subscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        let (channel, inbox, exchange) = (&self.queue_channel, &self.inbox, &self.names.topics);
        // AMQP ignores a second bind of the same topic.
        let binds = routing_keys(topics)
            .into_iter()
            .map(async |key| inbox::bind(channel, inbox, exchange, key).await);
        Ok(run_in_order(binds).await?)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        let unbinds = routing_keys(topics).into_iter().map(async |key| {
            let (queue, exchange) = (self.inbox.clone(), self.names.topics.clone());
            let (channel, arguments) = (&self.queue_channel, FieldTable::default());
            channel.queue_unbind(queue, exchange, key, arguments).await
        });
        Ok(run_in_order(unbinds).await?)
    }

    async fn load_table(&self) -> TransportResult<Option<StoredTable>> {
        membership_table::load(&self.publishing, &self.names).await
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> TransportResult<bool> {
        membership_table::store(&self.publishing, &self.names, expected_revision, &table).await
    }

    /// Deletes the queue of the inbox. The broker cancels a consumer that still reads it.
    ///
    /// A queue of a server that is down cannot be deleted. `x-expires` ends it once the server is
    /// back.
    async fn remove_inbox(&self, inbox: &Inbox) -> TransportResult<()> {
        // A channel of its own: the error closes it, and the node's inbox must stay open.
        let channel = self.receiving.create_channel().await?;
        let options = QueueDeleteOptions::default();
        let deleting = channel.queue_delete(self.names.inbox(inbox), options);
        match deleting.await {
            Ok(_) => Ok(close_channel(&channel).await?),
            Err(error) if is_not_found(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn close(self) {
        // Errors are ignored, because nothing stays: `self` is dropped with its connections,
        // and the broker deletes an unread queue after a minute (`x-expires` in `inbox`).
        let options = QueueDeleteOptions::default();
        let _ = self.queue_channel.queue_delete(self.inbox, options).await;
        // The publishing connection closes first. When the broker confirms the close, it has
        // read the last frames.
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
    // Exchanges are not durable, because each new connection declares them again.
    for (name, kind) in [
        (&names.everyone, ExchangeKind::Fanout),
        (&names.topics, ExchangeKind::Direct),
    ] {
        let (options, arguments) = (ExchangeDeclareOptions::default(), FieldTable::default());
        let declaring = channel.exchange_declare(name.clone(), kind, options, arguments);
        declaring.await?;
    }
    Ok(())
}

/// Closes `inbound` when the publishing connection ends. The reader of the inbox closes it
/// when the receiving connection ends.
async fn watch_connection(events: impl Stream<Item = Event>, inbound: InboundSender) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            // A soft error ends only one channel, and the caller on that channel gets it.
            Event::Error(error) if !error.is_amqp_soft_error() => {
                return inbound.close(error.into());
            }
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(reason, "RabbitMQ raised an alarm and accepts no messages");
            }
            Event::ConnectionUnblocked => tracing::info!("RabbitMQ accepts messages again"),
            _ => {}
        }
    }
}
