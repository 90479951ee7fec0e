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

pub(crate) use self::{commands::Commands, error::is_full};

use bytes::Bytes;
use redis::{PushInfo, PushKind, Value};
use tokio_util::task::AbortOnDropHandle;

use self::{names::Names, pubsub::Server, shards::Ending};
use super::remote::{
    Address, Arrived, Carrier, CarrierError, Destination, Inbox, Intake, Outgoing, Stored,
};
use crate::id::Topic;

/// One node's two connections to Redis.
pub(super) struct Redis {
    server: Server,
    names: Names,
    me: Inbox,
    ending: Ending,
    _watch: Option<AbortOnDropHandle<()>>,
}

impl Carrier for Redis {
    async fn connect(
        address: &Address,
        me: &Inbox,
        arrivals: Intake,
    ) -> Result<Self, CarrierError> {
        let names = Names::new(&address.cluster);
        let ending = Ending::default();
        let hear = {
            let (names, ending, arrivals) = (names.clone(), ending.clone(), arrivals.clone());
            move |push| hear(push, &names, &ending, &arrivals)
        };
        let server = Server::connect(&address.server, hear).await?;
        server.name_connections(&names.inbox(me)).await?;
        server
            .subscribe(vec![names.everyone(), names.inbox(me)])
            .await?;
        let watch = match &server {
            Server::Single { .. } => None,
            Server::Sharded { listening, .. } => {
                let watch = tokio::spawn(shards::watch(listening.clone(), arrivals));
                Some(AbortOnDropHandle::new(watch))
            }
        };
        Ok(Self {
            server,
            names,
            me: me.clone(),
            ending,
            _watch: watch,
        })
    }

    async fn send(&self, frames: Vec<Outgoing>) -> Result<(), CarrierError> {
        let channel = |to: &Destination| match to {
            Destination::Inbox(inbox) => self.names.inbox(inbox),
            Destination::Topic(topic) => self.names.topic(topic),
            Destination::Everyone => self.names.everyone(),
        };
        let frames = frames
            .into_iter()
            .map(|Outgoing { to, frame }| (channel(&to), frame));
        Ok(self.server.publish(frames.collect()).await?)
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        let channels = topics.iter().map(|topic| self.names.topic(topic));
        Ok(self.server.subscribe(channels.collect()).await?)
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        let channels = topics.iter().map(|topic| self.names.topic(topic));
        Ok(self.end(channels.collect()).await?)
    }

    async fn load(&self) -> Result<Option<Stored>, CarrierError> {
        Ok(membership_table::load(self.server.commands(), self.names.roster()).await?)
    }

    async fn store(&self, instead_of: Option<u64>, roster: Bytes) -> Result<bool, CarrierError> {
        let key = self.names.roster();
        Ok(membership_table::store(self.server.commands(), key, instead_of, &roster).await?)
    }

    async fn remove_inbox(&self, inbox: &Inbox) -> Result<(), CarrierError> {
        self.server.disconnect(&self.names.inbox(inbox)).await;
        Ok(())
    }

    async fn close(self) {
        // The channel goes with its subscriber; waiting for that is the point.
        let _ = self.end(vec![self.names.inbox(&self.me)]).await;
    }
}

impl Redis {
    /// Stops listening.
    async fn end(&self, channels: Vec<String>) -> redis::RedisResult<()> {
        if matches!(self.server, Server::Sharded { .. }) {
            self.ending.expect(&channels);
        }
        self.server.unsubscribe(channels).await
    }
}

/// Takes what Redis pushes. Runs inside the client's task, so it must not wait.
fn hear(push: PushInfo, names: &Names, ending: &Ending, arrivals: &Intake) {
    match push.kind {
        PushKind::Message | PushKind::SMessage => {
            let mut parts = push.data.into_iter();
            if let (Some(Value::BulkString(channel)), Some(Value::BulkString(frame))) =
                (parts.next(), parts.next())
                && let Some(arrived) = names.sort(&channel, frame.into())
            {
                arrivals.offer(arrived);
            }
        }
        PushKind::SUnsubscribe => {
            if let Some(Value::BulkString(channel)) = push.data.first()
                && !ending.ended(channel)
            {
                let reason = "a channel of this node went to another shard".to_owned();
                arrivals.broke(CarrierError::Broken(reason));
            }
        }
        PushKind::Disconnection => {
            let reason = "the connection that is subscribed ended".to_owned();
            arrivals.broke(CarrierError::Broken(reason));
        }
        _ => {}
    }
}
