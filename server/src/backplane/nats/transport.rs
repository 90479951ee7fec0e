//! The carrier over one NATS connection.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_nats::Client;
use bytes::Bytes;

use super::{
    connection::{broken, connect, round_trip},
    fragments,
    membership_bucket::Roster,
    server::Server,
    subjects::Subjects,
    subscription::{Listener, listen},
};
use crate::{
    backplane::remote::{Address, Arrived, Carrier, CarrierError, Inbox, Intake, Outgoing, Stored},
    id::Topic,
};

/// Below this a frame would travel in so many parts, and the roster not at all.
const LEAST_MAX_PAYLOAD: usize = 64 * 1024;

/// One connection, its subscriptions and the cluster's bucket.
pub(in crate::backplane) struct Nats {
    client: Client,
    subjects: Subjects,
    roster: Roster,
    arrivals: Intake,
    topics: Mutex<HashMap<Topic, Listener>>,
    _own: [Listener; 2],
    max_payload: usize,
}

impl Carrier for Nats {
    async fn connect(
        address: &Address,
        me: &Inbox,
        arrivals: Intake,
    ) -> Result<Self, CarrierError> {
        let client = connect(Server::of(&address.server)?, me, &arrivals).await?;
        let max_payload = suitable_payload(&client)?;
        let roster = Roster::open(&client, &address.cluster).await?;
        let subjects = Subjects::of(&address.cluster);
        let (inbox, everyone) = (subjects.inbox(me), subjects.everyone());
        let own = [
            listen(&client, inbox, arrivals.clone(), Arrived::Inbox).await?,
            listen(&client, everyone, arrivals.clone(), Arrived::Everyone).await?,
        ];
        round_trip(&client, &subjects).await?;
        Ok(Self {
            client,
            subjects,
            roster,
            arrivals,
            topics: Mutex::default(),
            _own: own,
            max_payload,
        })
    }

    async fn send(&self, frames: Vec<Outgoing>) -> Result<(), CarrierError> {
        for Outgoing { to, frame } in frames {
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

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        for topic in topics {
            if self.topics().contains_key(topic) {
                continue;
            }
            let subject = self.subjects.topic(topic);
            let arrivals = self.arrivals.clone();
            let of = topic.clone();
            let as_of = move |frame| Arrived::Topic(of.clone(), frame);
            let listener = listen(&self.client, subject, arrivals, as_of).await?;
            self.topics().insert(topic.clone(), listener);
        }
        round_trip(&self.client, &self.subjects).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> Result<(), CarrierError> {
        let mut listening = self.topics();
        for topic in topics {
            listening.remove(topic);
        }
        Ok(())
    }

    async fn load(&self) -> Result<Option<Stored>, CarrierError> {
        self.roster.load().await
    }

    async fn store(&self, instead_of: Option<u64>, roster: Bytes) -> Result<bool, CarrierError> {
        self.roster.store(instead_of, roster).await
    }

    /// An inbox is a subscription: it ends with its connection, and keeps nothing.
    async fn remove_inbox(&self, _: &Inbox) -> Result<(), CarrierError> {
        Ok(())
    }

    async fn close(self) {
        // So that the server has read what was sent last. The connection itself
        // ends when the last holder of the client is gone: here.
        let _ = round_trip(&self.client, &self.subjects).await;
    }
}

impl Nats {
    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, Listener>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn suitable_payload(client: &Client) -> Result<usize, CarrierError> {
    let found = client.max_payload();
    if found < LEAST_MAX_PAYLOAD {
        return Err(CarrierError::Unsuitable {
            what: format!("the NATS server takes messages of {found} bytes only"),
            hint: "set max_payload to 64KB or more in its configuration; its default is 1MB",
        });
    }
    Ok(found)
}
