//! The transport over two connections to Redis.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use highwater_types::{BrokerUrl, ServerAddress};
use parking_lot::Mutex;
use redis::{PushInfo, PushKind, Value};
use tokio_util::task::AbortOnDropHandle;

use super::{
    commands::CommandConnection,
    membership_table,
    names::RedisNames,
    pubsub::PubSubClient,
    sentinel::resolve_primary,
    shards::{NamedServers, monitor_shards},
};
use crate::{
    backplane::remote::{
        ClusterAddress, Destination, InboundSender, Inbox, OutboundFrame, StoredTable, Transport,
        TransportError, TransportResult,
    },
    id::Topic,
};

/// One node's two connections to Redis.
pub(in crate::backplane) struct RedisTransport {
    client: PubSubClient,
    names: RedisNames,
    inbox: Inbox,
    pending_unsubscribes: PendingUnsubscribes,
    /// The servers of a cluster, as it listed them last.
    named_servers: NamedServers,
    /// The task that pings the shards of a Redis Cluster.
    _shard_monitor: Option<AbortOnDropHandle<()>>,
}

/// The channels whose subscriptions this node is about to end.
///
/// Redis announces the end of each subscription. If it is not in this set, the server
/// has ended it.
type PendingUnsubscribes = Arc<Mutex<HashSet<Vec<u8>>>>;

impl Transport for RedisTransport {
    fn check_url(url: &BrokerUrl) -> TransportResult<()> {
        // Redis shares the channels of Pub/Sub between its databases, so an address that
        // names a database would promise a separation that does not exist.
        match url.path() {
            "" | "/" => Ok(()),
            _ if url.sentinel_primary().is_some() => Ok(()),
            path => Err(TransportError::broken(format!("unexpected path {path:?}"))),
        }
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> TransportResult<Self> {
        let names = RedisNames::new(&address.cluster);
        let pending_unsubscribes = PendingUnsubscribes::default();
        let pending = Arc::clone(&pending_unsubscribes);
        let (names_of_push, inbound_of_push) = (names.clone(), inbound.clone());
        let on_push = move |push| handle_push(push, &names_of_push, &pending, &inbound_of_push);
        let server = resolve_primary(address.server.clone()).await?;
        let client = PubSubClient::connect(&server, on_push).await?;
        // Before it subscribes, so that a survivor can end every connection with an inbox.
        client.set_client_name(&names.inbox(inbox)).await?;
        let channels = vec![names.everyone(), names.inbox(inbox)];
        client.subscribe(channels).await?;
        let named_servers = NamedServers::new(client.named_servers.clone().into());
        let shard_monitor = match &client.subscriber {
            CommandConnection::Single(_) => None,
            CommandConnection::Sharded(subscriber) => {
                let named_servers = Arc::clone(&named_servers);
                let monitor = monitor_shards(subscriber.clone(), named_servers, inbound);
                let monitor = tokio::spawn(monitor);
                Some(AbortOnDropHandle::new(monitor))
            }
        };
        Ok(Self {
            client,
            names,
            inbox: inbox.clone(),
            pending_unsubscribes,
            named_servers,
            _shard_monitor: shard_monitor,
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> TransportResult<()> {
        let channel = |to: &Destination| match to {
            Destination::Inbox(inbox) => self.names.inbox(inbox),
            Destination::Topic(topic) => self.names.topic(topic),
            Destination::Everyone => self.names.everyone(),
        };
        let frames = frames
            .into_iter()
            .map(|OutboundFrame { to, frame }| (channel(&to), frame));
        Ok(self.client.publish(frames.collect()).await?)
    }

    async fn subscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        let channels = topics.iter().map(|topic| self.names.topic(topic));
        Ok(self.client.subscribe(channels.collect()).await?)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        let channels = topics.iter().map(|topic| self.names.topic(topic));
        Ok(self.unsubscribe_channels(channels.collect()).await?)
    }

    async fn load_table(&self) -> TransportResult<Option<StoredTable>> {
        let key = &self.names.membership_table;
        Ok(membership_table::load(self.client.commands.clone(), key).await?)
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> TransportResult<bool> {
        let key = &self.names.membership_table;
        let commands = self.client.commands.clone();
        let stored = membership_table::store(commands, key, expected_revision, &table).await;
        stored.map_err(|error| match error.code() {
            // Another server is the primary now, and a new connection finds it.
            Some("READONLY") => TransportError::broken("the server has become a replica"),
            _ => error.into(),
        })
    }

    /// Ends the connections of the inbox, whose channel ends with them.
    async fn remove_inbox(&self, inbox: &Inbox) -> TransportResult<()> {
        self.client.kill_clients(&self.names.inbox(inbox)).await;
        Ok(())
    }

    fn named_servers(&self) -> Vec<ServerAddress> {
        self.named_servers.lock().clone()
    }

    async fn close(self) {
        // Dropping the connections would end the subscription as well, but only at some
        // later instant. The response to this command says that it has ended.
        // If it fails, the connection is broken, and the subscription with it.
        let inbox = self.names.inbox(&self.inbox);
        let _ = self.unsubscribe_channels(vec![inbox]).await;
    }
}

impl RedisTransport {
    async fn unsubscribe_channels(&self, channels: Vec<String>) -> redis::RedisResult<()> {
        if matches!(self.client.subscriber, CommandConnection::Sharded(_)) {
            // Before the command: its push may arrive before its response.
            let channels = channels.iter().map(|channel| channel.clone().into_bytes());
            self.pending_unsubscribes.lock().extend(channels);
        }
        self.client.unsubscribe(channels).await
    }
}

/// Handles a push of Redis. It runs inside the client's task, so it must not wait.
fn handle_push(
    push: PushInfo,
    names: &RedisNames,
    pending_unsubscribes: &PendingUnsubscribes,
    inbound: &InboundSender,
) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            let mut parts = push.data.into_iter();
            if let (Some(Value::BulkString(channel)), Some(Value::BulkString(frame))) =
                (parts.next(), parts.next())
                && let Some(frame) = names.classify(&channel, frame.into())
            {
                inbound.push(frame);
            }
        }
        PushKind::SUnsubscribe => {
            if let Some(Value::BulkString(channel)) = push.data.first()
                && !pending_unsubscribes.lock().remove(channel)
            {
                let reason = "a channel of this node moved to another shard";
                inbound.close(TransportError::broken(reason));
            }
        }
        PushKind::Disconnection => {
            inbound.close(TransportError::broken("the subscribed connection ended"));
        }
        _ => {}
    }
}
