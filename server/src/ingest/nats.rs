//! A JetStream stream (`nats://…`), with a durable pull consumer for each group.
//!
//! **Custody.** A reading is accepted once the stream has stored it, in files: that
//! survives a killed server, as far as its operating system writes what it was given.
//! The stream keeps a reading until every consumer has acknowledged it (retention by
//! interest), so nothing is accepted before there is one.
//!
//! **Redelivery.** After [`SILENCE`] without a word about a reading.
//!
//! **Bounds.** A stream of [`MOST_READINGS`] or [`MOST_BYTES`] takes no more.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, AckKind, Context, Message,
        consumer::{Consumer, pull},
        context::PublishError,
        stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream},
    },
};
use futures_util::StreamExt;

use super::{
    Reading,
    broker_address::BrokerAddress,
    queue::{
        Delivery, IN_HAND, MOST_BYTES, MOST_READINGS, Member, Outcome, Parcel, Producer, Refusal,
        SILENCE, Settled, WorkError, refused, within,
    },
};
use crate::{
    backplane::nats::connect_for,
    id::{ClusterName, Group},
};

/// How long [`Member::take`] waits.
const TAKE: Duration = Duration::from_secs(1);
/// How long a stored reading's answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// In the hands of all members of a group together.
const MOST_IN_HAND: i64 = 20_000;

/// A node's connection.
pub(super) struct NatsProducer {
    context: Context,
    stream: Stream,
    subject: String,
    /// Whether there was a consumer when it was looked last; they are durable.
    has_group: bool,
}

impl Producer for NatsProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, WorkError> {
        let (_, context, stream) = open(address, "readings of a node").await?;
        Ok(Self {
            context,
            stream,
            subject: subject(&address.cluster),
            has_group: false,
        })
    }

    async fn submit(
        &mut self,
        parcels: Vec<Parcel>,
        settled: &mut Vec<Settled>,
    ) -> Result<(), WorkError> {
        if !self.has_group {
            let info = self.stream.info().await.map_err(WorkError::broken)?;
            self.has_group = info.state.consumer_count > 0;
        }
        if !self.has_group {
            settled.extend(refused(&parcels, Refusal::NoGroup));
            return Ok(());
        }
        let mut under_way = Vec::with_capacity(parcels.len());
        for Parcel { number, payload } in parcels {
            let sent = self.context.publish(self.subject.clone(), payload).await;
            under_way.push((number, sent.map_err(WorkError::broken)?));
        }
        for (number, stored) in under_way {
            let outcome = match stored.await {
                Ok(_) => Outcome::Taken,
                Err(error) if is_full(&error) => Outcome::Refused(Refusal::Full),
                Err(error) => return Err(WorkError::broken(error)),
            };
            settled.push(Settled { number, outcome });
        }
        Ok(())
    }
}

/// A consumer's connection.
pub(super) struct NatsMember {
    client: Client,
    consumer: Consumer<pull::Config>,
}

impl Member for NatsMember {
    type Address = BrokerAddress;
    type Receipt = Arc<Message>;

    async fn join(address: &BrokerAddress, group: &Group, name: &str) -> Result<Self, WorkError> {
        let (client, _, stream) = open(address, name).await?;
        // A dot would part the name's subject.
        let durable = group.as_str().replace('.', "_");
        let config = pull::Config {
            durable_name: Some(durable.clone()),
            ack_wait: SILENCE,
            max_ack_pending: MOST_IN_HAND,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&durable, config).await;
        Ok(Self {
            client,
            consumer: consumer.map_err(WorkError::broken)?,
        })
    }

    /// The client library waits for ever for a batch whose request was lost with a
    /// connection.
    async fn take(&mut self) -> Result<Vec<Delivery<Arc<Message>>>, WorkError> {
        within(TAKE + ANSWER, self.fetch()).await
    }

    async fn acknowledge(&mut self, handled: &[Arc<Message>]) -> Result<(), WorkError> {
        say(handled, AckKind::Ack).await
    }

    async fn hold(&mut self, in_hand: &[Arc<Message>]) -> Result<(), WorkError> {
        say(in_hand, AckKind::Progress).await
    }

    async fn leave(self) {
        let _ = self.client.flush().await;
    }
}

impl NatsMember {
    /// What is there at once, else what comes first.
    async fn fetch(&mut self) -> Result<Vec<Delivery<Arc<Message>>>, WorkError> {
        let there = self.consumer.fetch().max_messages(IN_HAND).messages();
        let mut there = there.await.map_err(WorkError::broken)?;
        let mut deliveries = Vec::new();
        while let Some(message) = there.next().await {
            deliveries.push(delivery(message.map_err(WorkError::broken)?)?);
        }
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        // One alone: a request for more would hold back the first until it is over.
        let next = self.consumer.batch().max_messages(1).expires(TAKE);
        let mut next = next.messages().await.map_err(WorkError::broken)?;
        while let Some(message) = next.next().await {
            deliveries.push(delivery(message.map_err(WorkError::broken)?)?);
        }
        Ok(deliveries)
    }
}

async fn say(of: &[Arc<Message>], kind: AckKind) -> Result<(), WorkError> {
    for message in of {
        message.ack_with(kind).await.map_err(WorkError::broken)?;
    }
    Ok(())
}

fn delivery(message: Message) -> Result<Delivery<Arc<Message>>, WorkError> {
    let delivered = message.info().map_err(WorkError::broken)?.delivered;
    Ok(Delivery {
        reading: Reading::decode(&message.payload),
        redelivered: delivered > 1,
        receipt: Arc::new(message),
    })
}

async fn open(address: &BrokerAddress, name: &str) -> Result<(Client, Context, Stream), WorkError> {
    let client = connect_for(&address.server, name).await;
    let client = client.map_err(WorkError::Broken)?;
    let mut context = jetstream::new(client.clone());
    context.set_timeout(ANSWER);
    let config = Config {
        name: format!("highwater-{}-readings", address.cluster),
        subjects: vec![subject(&address.cluster)],
        retention: RetentionPolicy::Interest,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_messages: MOST_READINGS as i64,
        max_bytes: MOST_BYTES as i64,
        ..Config::default()
    };
    let stream = context.get_or_create_stream(config).await;
    let stream = stream.map_err(WorkError::broken)?;
    Ok((client, context, stream))
}

fn subject(cluster: &ClusterName) -> String {
    format!("highwater.{cluster}.readings")
}

/// The server says it in words alone: maximum messages, or bytes, exceeded.
fn is_full(error: &PublishError) -> bool {
    error.to_string().contains("exceeded")
}
