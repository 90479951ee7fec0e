//! The transport over two connections to Redis.

use bytes::Bytes;
use highwater_types::BrokerUrl;
use redis::{PushInfo, PushKind, Value};
use tokio_util::task::AbortOnDropHandle;

use super::{
    membership_table,
    names::RedisNames,
    pubsub::PubSubClient,
    shards::{PendingUnsubscribes, monitor_shards},
};
use crate::{
    backplane::remote::{
        ClusterAddress, Destination, InboundSender, Inbox, OutboundFrame, StoredTable, Transport,
        TransportError,
    },
    id::Topic,
};

/// One node's two connections to Redis.
pub(in crate::backplane) struct RedisTransport {
    client: PubSubClient,
    names: RedisNames,
    inbox: Inbox,
    pending_unsubscribes: PendingUnsubscribes,
    _shard_monitor: Option<AbortOnDropHandle<()>>,
}

impl Transport for RedisTransport {
    fn check_url(url: &BrokerUrl) -> Result<(), TransportError> {
        // Redis shares the channels of Pub/Sub between its databases, so an address that
        // names a database would promise a separation that does not exist.
        match url.path() {
            "" | "/" => Ok(()),
            path => Err(TransportError::broken(format!("unexpected path {path:?}"))),
        }
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> Result<Self, TransportError> {
        let names = RedisNames::new(&address.cluster);
        let pending_unsubscribes = PendingUnsubscribes::default();
        let on_push = {
            let (names, pending, inbound) =
                (names.clone(), pending_unsubscribes.clone(), inbound.clone());
            move |push| handle_push(push, &names, &pending, &inbound)
        };
        let client = PubSubClient::connect(&address.server, on_push).await?;
        client.set_client_name(&names.inbox(inbox)).await?;
        client
            .subscribe(vec![names.everyone(), names.inbox(inbox)])
            .await?;
        let shard_monitor = match &client {
            PubSubClient::Single { .. } => None,
            PubSubClient::Sharded { subscriber, .. } => {
                let monitor = tokio::spawn(monitor_shards(subscriber.clone(), inbound));
                Some(AbortOnDropHandle::new(monitor))
            }
        };
        Ok(Self {
            client,
            names,
            inbox: inbox.clone(),
            pending_unsubscribes,
            _shard_monitor: shard_monitor,
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> Result<(), TransportError> {
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

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        let channels = topics.iter().map(|topic| self.names.topic(topic));
        Ok(self.client.subscribe(channels.collect()).await?)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        let channels = topics.iter().map(|topic| self.names.topic(topic));
        Ok(self.unsubscribe_channels(channels.collect()).await?)
    }

    async fn load_table(&self) -> Result<Option<StoredTable>, TransportError> {
        let key = self.names.membership_table();
        Ok(membership_table::load(self.client.commands(), key).await?)
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> Result<bool, TransportError> {
        let key = self.names.membership_table();
        let commands = self.client.commands();
        Ok(membership_table::store(commands, key, expected_revision, &table).await?)
    }

    /// Ends the connections of the inbox, whose channel ends with them.
    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), TransportError> {
        self.client.kill_clients(&self.names.inbox(inbox)).await;
        Ok(())
    }

    async fn close(self) {
        // Dropping the connections would end the subscription as well, but only at some
        // later instant. The response to this command says that it has ended.
        let _ = self
            .unsubscribe_channels(vec![self.names.inbox(&self.inbox)])
            .await;
    }
}

impl RedisTransport {
    async fn unsubscribe_channels(&self, channels: Vec<String>) -> redis::RedisResult<()> {
        if matches!(self.client, PubSubClient::Sharded { .. }) {
            // Before the command: its push may arrive before its response.
            self.pending_unsubscribes.insert(&channels);
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
                && !pending_unsubscribes.remove(channel)
            {
                let reason = "a channel of this node moved to another shard";
                inbound.close(TransportError::broken(reason));
            }
        }
        PushKind::Disconnection => {
            let reason = "the subscribed connection ended";
            inbound.close(TransportError::broken(reason));
        }
        _ => {}
    }
}
