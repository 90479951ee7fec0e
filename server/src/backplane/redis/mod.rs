//! Redis (`redis://HOST:PORT`), version 6 or later: Pub/Sub for frames, a hash for
//! the roster.
//!
//! **Channels.** One for each connection of a node, never one for a device; one
//! that everybody hears; one for each topic that somebody hears. All of them, and
//! the roster's key, begin with the name of the cluster. A server that is a Redis
//! Cluster gets sharded channels (`SPUBLISH`, `SSUBSCRIBE`; Redis 7), so that its
//! shards share the work.
//!
//! **Connections.** One publishes and changes the roster; it sends a batch as one
//! pipeline and waits for all its answers before the next, so order is kept. One
//! is subscribed (RESP3 pushes).
//!
//! **Loss.** Pub/Sub keeps nothing: what is published while a node is not
//! subscribed is gone. A node that does not read for so long that more waits than
//! `client-output-buffer-limit pubsub` allows (by default 32 MiB, or 8 MiB for a
//! minute) is disconnected by the server and comes back with another inbox; others
//! are not disturbed. What the node itself cannot handle in time is dropped here,
//! beyond 16 MiB or 16,384 frames.
//!
//! **When Redis goes away**, nodes lose their connection, serve their own devices,
//! and reconnect with backoff. When it comes back, empty or not, the first one to
//! return writes the roster anew from what it last knew; whoever does not come
//! back loses its seat after its lease.
//!
//! **A Redis Cluster** is asked now and then whether every shard answers. A shard that
//! does not, and a slot that moves to another shard with a channel of the node in it,
//! end the node's connections like any other gap.
//!
//! **A Redis that is full** (`maxmemory`) publishes on, but takes no change of the
//! roster: nobody can join, and who dies stays on it, until there is room.
//!
//! In reading order: `names` (channels and keys), `commands` (to one server or a
//! cluster), `server` (publishing and listening), `shards` (what a cluster does
//! besides), `clients` (connections at the server), `roster` (compare-and-set), `error`
//! (what the server's errors mean), this file's [`Redis`].

mod clients;
mod commands;
mod error;
mod membership_table;
mod names;
mod pubsub;
mod shards;
#[cfg(test)]
mod tests;

pub(crate) use self::{commands::CommandConnection, error::is_full};

use bytes::Bytes;
use redis::{PushInfo, PushKind, Value};
use tokio_util::task::AbortOnDropHandle;

use self::{names::RedisNames, pubsub::PubSubClient, shards::PendingUnsubscribes};
use super::remote::{
    ClusterAddress, Destination, InboundFrame, InboundSender, Inbox, OutboundFrame, StoredTable,
    Transport, TransportError,
};
use crate::id::Topic;

/// One node's two connections to Redis.
pub(super) struct RedisTransport {
    client: PubSubClient,
    names: RedisNames,
    me: Inbox,
    pending_unsubscribes: PendingUnsubscribes,
    _watch: Option<AbortOnDropHandle<()>>,
}

impl Transport for RedisTransport {
    async fn connect(
        address: &ClusterAddress,
        me: &Inbox,
        arrivals: InboundSender,
    ) -> Result<Self, TransportError> {
        let names = RedisNames::new(&address.cluster);
        let ending = PendingUnsubscribes::default();
        let hear = {
            let (names, ending, arrivals) = (names.clone(), ending.clone(), arrivals.clone());
            move |push| handle_push(push, &names, &ending, &arrivals)
        };
        let server = PubSubClient::connect(&address.server, hear).await?;
        server.set_client_name(&names.inbox(me)).await?;
        server
            .subscribe(vec![names.everyone(), names.inbox(me)])
            .await?;
        let watch = match &server {
            PubSubClient::Single { .. } => None,
            PubSubClient::Sharded {
                subscriber: listening,
                ..
            } => {
                let watch = tokio::spawn(shards::monitor_shards(listening.clone(), arrivals));
                Some(AbortOnDropHandle::new(watch))
            }
        };
        Ok(Self {
            client: server,
            names,
            me: me.clone(),
            pending_unsubscribes: ending,
            _watch: watch,
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
        Ok(membership_table::load(self.client.commands(), self.names.membership_table()).await?)
    }

    async fn store_table(
        &self,
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> Result<bool, TransportError> {
        let key = self.names.membership_table();
        Ok(membership_table::store(self.client.commands(), key, instead_of, &roster).await?)
    }

    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), TransportError> {
        self.client.kill_clients(&self.names.inbox(inbox)).await;
        Ok(())
    }

    async fn close(self) {
        // The channel goes with its subscriber; waiting for that is the point.
        let _ = self
            .unsubscribe_channels(vec![self.names.inbox(&self.me)])
            .await;
    }
}

impl RedisTransport {
    /// Stops listening.
    async fn unsubscribe_channels(&self, channels: Vec<String>) -> redis::RedisResult<()> {
        if matches!(self.client, PubSubClient::Sharded { .. }) {
            self.pending_unsubscribes.insert(&channels);
        }
        self.client.unsubscribe(channels).await
    }
}

/// Takes what Redis pushes. Runs inside the client's task, so it must not wait.
fn handle_push(
    push: PushInfo,
    names: &RedisNames,
    ending: &PendingUnsubscribes,
    arrivals: &InboundSender,
) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            let mut parts = push.data.into_iter();
            if let (Some(Value::BulkString(channel)), Some(Value::BulkString(frame))) =
                (parts.next(), parts.next())
                && let Some(arrived) = names.classify(&channel, frame.into())
            {
                arrivals.push(arrived);
            }
        }
        PushKind::SUnsubscribe => {
            if let Some(Value::BulkString(channel)) = push.data.first()
                && !ending.remove(channel)
            {
                let reason = "a channel of this node went to another shard".to_owned();
                arrivals.close(TransportError::Broken(reason));
            }
        }
        PushKind::Disconnection => {
            let reason = "the connection that is subscribed ended".to_owned();
            arrivals.close(TransportError::Broken(reason));
        }
        _ => {}
    }
}
