//! A consumer: the asynchronous end of a member's thread.

use std::{io, thread, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{
    super::{
        queue::{GroupConsumer, QueueError, TelemetryDelivery},
        registry::BrokerAddress,
    },
    assignment::KafkaReceipt,
    member::{GroupAddress, Member},
    settings::{SESSION_TIMEOUT, group_id, topic_name},
};
use crate::id::ConsumerGroup;

/// A consumer's membership in a group. The client library blocks, so it has a thread of its own,
/// which ends when this is dropped, and leaves the group.
pub(in crate::ingest) struct KafkaConsumer {
    calls: mpsc::Sender<Call>,
}

type Answer<T> = oneshot::Sender<Result<T, QueueError>>;

/// A call to a member's thread. At most one is under way.
enum Call {
    Poll(Answer<Vec<TelemetryDelivery<KafkaReceipt>>>),
    Acknowledge(Vec<KafkaReceipt>, Answer<()>),
    Leave(Answer<()>),
}

impl GroupConsumer for KafkaConsumer {
    const ACK_WAIT: Duration = SESSION_TIMEOUT;

    type Address = BrokerAddress;
    type Receipt = KafkaReceipt;

    async fn join(
        address: &BrokerAddress,
        group: &ConsumerGroup,
        name: &str,
    ) -> Result<Self, QueueError> {
        let group = GroupAddress {
            url: address.servers.url().clone(),
            topic: topic_name(&address.cluster),
            group: group_id(&address.cluster, group),
            name: name.to_owned(),
        };
        let (calls, received) = mpsc::channel(1);
        let (joined, has_joined) = oneshot::channel();
        spawn_member(group, received, joined).map_err(QueueError::disconnected)?;
        answer(has_joined).await?;
        Ok(Self { calls })
    }

    async fn poll(&mut self) -> Result<Vec<TelemetryDelivery<KafkaReceipt>>, QueueError> {
        self.call(Call::Poll).await
    }

    async fn acknowledge(&mut self, handled: &[KafkaReceipt]) -> Result<(), QueueError> {
        let handled = handled.to_vec();
        self.call(|done| Call::Acknowledge(handled, done)).await
    }

    /// Does nothing: the client library sends heartbeats by itself.
    async fn extend_ack(&mut self, _: &[KafkaReceipt]) -> Result<(), QueueError> {
        Ok(())
    }

    async fn leave(mut self) {
        // A failed call means that the member is gone already.
        let _ = self.call(Call::Leave).await;
    }
}

impl KafkaConsumer {
    async fn call<T>(&mut self, call: impl FnOnce(Answer<T>) -> Call) -> Result<T, QueueError> {
        let (done, is_done) = oneshot::channel();
        // If the thread has ended, `is_done` says so.
        let _ = self.calls.send(call(done)).await;
        answer(is_done).await
    }
}

async fn answer<T>(answer: oneshot::Receiver<Result<T, QueueError>>) -> Result<T, QueueError> {
    answer
        .await
        .map_err(|_| QueueError::disconnected("the member's thread has ended"))?
}

fn spawn_member(
    group: GroupAddress,
    mut calls: mpsc::Receiver<Call>,
    joined: Answer<()>,
) -> io::Result<()> {
    let runtime = Handle::current();
    let thread = thread::Builder::new().name("kafka member".to_owned());
    thread.spawn(move || {
        let mut member = match Member::join(&runtime, &group) {
            Ok(member) => member,
            Err(error) => {
                // The caller has given up waiting if it does not take the answer.
                let _ = joined.send(Err(error));
                return;
            }
        };
        if joined.send(Ok(())).is_err() {
            return;
        }
        // Ends when the consumer is dropped; then the member leaves the group.
        while let Some(call) = calls.blocking_recv() {
            match call {
                Call::Poll(done) => drop(done.send(member.poll())),
                Call::Acknowledge(handled, done) => drop(done.send(member.acknowledge(&handled))),
                Call::Leave(done) => {
                    member.leave();
                    let _ = done.send(Ok(()));
                    return;
                }
            }
        }
    })?;
    Ok(())
}
