//! The transport over one NATS connection.

use std::collections::HashMap;

use async_nats::Client;
use bytes::Bytes;
use highwater_types::{BrokerUrl, ServerAddress};
use parking_lot::Mutex;
use tokio_util::task::AbortOnDropHandle;

use super::{
    connection::{connect, named_servers, round_trip, subscribe},
    fragments,
    membership_bucket::MembershipBucket,
    server::NatsServer,
    subjects::Subjects,
};
use crate::{
    backplane::remote::{
        ClusterAddress, InboundFrame, InboundSender, Inbox, OutboundFrame, StoredTable, Transport,
        TransportError, TransportResult,
    },
    id::Topic,
};

/// The smallest `max_payload` that is accepted. Below it frames would need many fragments,
/// and the membership table, which is not fragmented, would not fit.
const MIN_MAX_PAYLOAD: usize = 64 * 1024;

/// One connection, its subscriptions and the cluster's bucket.
pub(in crate::backplane) struct NatsTransport {
    client: Client,
    subjects: Subjects,
    membership: MembershipBucket,
    inbound: InboundSender,
    /// The subscriptions to topics, each of which ends with its handle.
    topics: Mutex<HashMap<Topic, AbortOnDropHandle<()>>>,
    /// The subscriptions to the own inbox and to everyone.
    _own: [AbortOnDropHandle<()>; 2],
    max_payload: usize,
}

impl Transport for NatsTransport {
    fn check_url(url: &BrokerUrl) -> TransportResult<()> {
        NatsServer::from_url(url).map(drop)
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> TransportResult<Self> {
        let client = connect(NatsServer::from_url(&address.server)?, inbox, &inbound).await?;
        let max_payload = check_max_payload(&client)?;
        let membership = MembershipBucket::open(&client, &address.cluster).await?;
        let subjects = Subjects::new(&address.cluster);
        let (inbox, everyone) = (subjects.inbox(inbox), subjects.everyone());
        let own = [
            subscribe(&client, inbox, inbound.clone(), InboundFrame::Inbox).await?,
            subscribe(&client, everyone, inbound.clone(), InboundFrame::Everyone).await?,
        ];
        // Frames that are sent after `connect` returns must arrive.
        round_trip(&client, &subjects).await?;
        Ok(Self {
            client,
            subjects,
            membership,
            inbound,
            topics: Mutex::default(),
            _own: own,
            max_payload,
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> TransportResult<()> {
        for OutboundFrame { to, frame } in frames {
            let subject = self.subjects.destination(&to);
            if frame.len() <= self.max_payload {
                self.client.publish(subject, frame).await?;
                continue;
            }
            for (headers, fragment) in fragments::split(&frame, self.max_payload) {
                let (subject, client) = (subject.clone(), &self.client);
                client
                    .publish_with_headers(subject, headers, fragment)
                    .await?;
            }
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        for topic in topics {
            // A second subscription would deliver every frame twice.
            if self.topics.lock().contains_key(topic) {
                continue;
            }
            let subject = self.subjects.topic(topic);
            let inbound = self.inbound.clone();
            let of_topic = topic.clone();
            let to_frame = move |frame| InboundFrame::Topic(of_topic.clone(), frame);
            let task = subscribe(&self.client, subject, inbound, to_frame).await?;
            self.topics.lock().insert(topic.clone(), task);
        }
        // The answer says that the server has the subscriptions.
        round_trip(&self.client, &self.subjects).await
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        // Without a round trip: the node ignores what still arrives on these topics.
        for topic in topics {
            self.topics.lock().remove(topic);
        }
        Ok(())
    }

    async fn load_table(&self) -> TransportResult<Option<StoredTable>> {
        self.membership.load().await
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> TransportResult<bool> {
        self.membership.store(expected_revision, table).await
    }

    /// Does nothing: an inbox is a subscription, which ends with its connection.
    async fn remove_inbox(&self, _: &Inbox) -> TransportResult<()> {
        Ok(())
    }

    fn named_servers(&self) -> Vec<ServerAddress> {
        named_servers(&self.client)
    }

    async fn close(self) {
        // The server then has the last frames. The connection ends when the client is
        // dropped, at the end of this function.
        let _ = round_trip(&self.client, &self.subjects).await;
    }
}

fn check_max_payload(client: &Client) -> TransportResult<usize> {
    let found = client.max_payload();
    if found < MIN_MAX_PAYLOAD {
        return Err(TransportError::Unsuitable {
            what: format!("the NATS server accepts messages of at most {found} bytes"),
            hint: "set max_payload to 64KB or more in its configuration; its default is 1MB",
        });
    }
    Ok(found)
}
