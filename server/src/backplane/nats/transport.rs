//! The carrier over one NATS connection.

use std::collections::HashMap;

use async_nats::Client;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use super::{
    connection::{broken, connect, round_trip},
    fragments,
    membership_bucket::MembershipBucket,
    server::NatsServer,
    subjects::Subjects,
    subscription::{SubscriptionTask, spawn_subscription},
};
use crate::{
    backplane::remote::{
        ClusterAddress, InboundFrame, InboundSender, Inbox, OutboundFrame, StoredTable, Transport,
        TransportError,
    },
    id::Topic,
};

/// Below this a frame would travel in so many parts, and the roster not at all.
const MIN_MAX_PAYLOAD: usize = 64 * 1024;

/// One connection, its subscriptions and the cluster's bucket.
pub(in crate::backplane) struct NatsTransport {
    client: Client,
    subjects: Subjects,
    membership: MembershipBucket,
    inbound: InboundSender,
    topics: Mutex<HashMap<Topic, SubscriptionTask>>,
    _own: [SubscriptionTask; 2],
    max_payload: usize,
}

impl Transport for NatsTransport {
    async fn connect(
        address: &ClusterAddress,
        me: &Inbox,
        arrivals: InboundSender,
    ) -> Result<Self, TransportError> {
        let client = connect(NatsServer::from_url(&address.server)?, me, &arrivals).await?;
        let max_payload = check_max_payload(&client)?;
        let roster = MembershipBucket::open(&client, &address.cluster).await?;
        let subjects = Subjects::new(&address.cluster);
        let (inbox, everyone) = (subjects.inbox(me), subjects.everyone());
        let own = [
            spawn_subscription(&client, inbox, arrivals.clone(), InboundFrame::Inbox).await?,
            spawn_subscription(&client, everyone, arrivals.clone(), InboundFrame::Everyone).await?,
        ];
        round_trip(&client, &subjects).await?;
        Ok(Self {
            client,
            subjects,
            membership: roster,
            inbound: arrivals,
            topics: Mutex::default(),
            _own: own,
            max_payload,
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> Result<(), TransportError> {
        for OutboundFrame { to, frame } in frames {
            let subject = self.subjects.destination(&to);
            if frame.len() <= self.max_payload {
                self.client.publish(subject, frame).await.map_err(broken)?;
                continue;
            }
            for (headers, part) in fragments::split(&frame, self.max_payload) {
                let sent = self
                    .client
                    .publish_with_headers(subject.clone(), headers, part);
                sent.await.map_err(broken)?;
            }
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        for topic in topics {
            if self.topics().contains_key(topic) {
                continue;
            }
            let subject = self.subjects.topic(topic);
            let arrivals = self.inbound.clone();
            let of = topic.clone();
            let as_of = move |frame| InboundFrame::Topic(of.clone(), frame);
            let listener = spawn_subscription(&self.client, subject, arrivals, as_of).await?;
            self.topics().insert(topic.clone(), listener);
        }
        round_trip(&self.client, &self.subjects).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        let mut listening = self.topics();
        for topic in topics {
            listening.remove(topic);
        }
        Ok(())
    }

    async fn load_table(&self) -> Result<Option<StoredTable>, TransportError> {
        self.membership.load().await
    }

    async fn store_table(
        &self,
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> Result<bool, TransportError> {
        self.membership.store(instead_of, roster).await
    }

    /// An inbox is a subscription: it ends with its connection, and keeps nothing.
    async fn remove_inbox(&self, _: &Inbox) -> Result<(), TransportError> {
        Ok(())
    }

    async fn close(self) {
        // So that the server has read what was sent last. The connection itself
        // ends when the last holder of the client is gone: here.
        let _ = round_trip(&self.client, &self.subjects).await;
    }
}

impl NatsTransport {
    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, SubscriptionTask>> {
        self.topics.lock()
    }
}

fn check_max_payload(client: &Client) -> Result<usize, TransportError> {
    let found = client.max_payload();
    if found < MIN_MAX_PAYLOAD {
        return Err(TransportError::Unsuitable {
            what: format!("the NATS server takes messages of {found} bytes only"),
            hint: "set max_payload to 64KB or more in its configuration; its default is 1MB",
        });
    }
    Ok(found)
}
