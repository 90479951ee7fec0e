//! A Redis stream (`redis://…`), with a consumer group of its own for each group.
//!
//! **Custody.** A reading is accepted once it is in the stream. That survives as much
//! as the server does: with `appendonly yes` a killed server (but for up to two seconds
//! that a busy disk makes it wait to write, unless `appendfsync` is `always`), without
//! persistence nothing but its clients. All of it lies under one key, in a cluster of
//! servers on one of them.
//!
//! **Redelivery.** An entry is its consumer's until it is acknowledged or was left
//! alone for [`ACK_WAIT`]; then any other member claims it. A consumer that comes back
//! under its old name begins with what it had.
//!
//! **Bounds.** What every group has acknowledged is trimmed away, about each second;
//! a stream of [`MAX_QUEUED_RECORDS`] takes no more, nor does a server that is full
//! (`maxmemory`): consumers go on, and make room. Each node looks how long the stream
//! is once a second, so what the others add in that time may come on top.

use std::time::Duration;

use redis::{
    RedisError, RedisResult,
    streams::{
        StreamAutoClaimReply, StreamId, StreamInfoGroup, StreamInfoGroupsReply, StreamPendingReply,
        StreamReadReply,
    },
};
use tokio::time::Instant;

use super::{
    Telemetry,
    broker_address::BrokerAddress,
    queue::{
        ACK_WAIT, GroupConsumer, MAX_QUEUED_RECORDS, MAX_UNACKED, PendingPublish, PublishOutcome,
        PublishResult, QueueError, RejectReason, TelemetryDelivery, TelemetryProducer, reject_all,
    },
};
use crate::{
    backplane::redis::{CommandConnection, is_full},
    id::{ClusterName, ConsumerGroup},
};

/// How long [`Member::take`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest that an answer may take, beyond that wait.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The field of an entry that holds the reading.
const TELEMETRY_FIELD: &str = "telemetry";
/// How often a node looks what others have added and who has joined.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A node's connection.
pub(super) struct RedisProducer {
    server: CommandConnection,
    key: String,
    /// Whether there was a group when it was looked last.
    has_group: bool,
    /// Entries when it was looked last, and what this node has added since.
    length: usize,
    /// Whether the server had no memory for the last reading.
    is_full: bool,
    polled_at: Instant,
}

impl TelemetryProducer for RedisProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, QueueError> {
        let mut producer = Self {
            server: connect(address).await?,
            key: key(&address.cluster),
            has_group: false,
            length: 0,
            is_full: false,
            polled_at: Instant::now(),
        };
        producer.poll_stream().await?;
        Ok(producer)
    }

    async fn publish(
        &mut self,
        parcels: Vec<PendingPublish>,
        settled: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        let fits = |producer: &Self| producer.length + parcels.len() <= MAX_QUEUED_RECORDS;
        if !self.has_group || !fits(self) || self.polled_at.elapsed() >= POLL_INTERVAL {
            self.poll_stream().await?;
        }
        if !self.has_group {
            settled.extend(reject_all(&parcels, RejectReason::NoConsumerGroup));
            return Ok(());
        }
        if !fits(self) {
            settled.extend(reject_all(&parcels, RejectReason::Full));
            return Ok(());
        }
        let mut batch = redis::pipe();
        // Each has its own answer: some may be in the stream by now.
        batch.ignore_errors();
        for parcel in &parcels {
            // A stream that is gone took its groups with it: not made again here.
            batch
                .cmd("XADD")
                .arg(&self.key)
                .arg("NOMKSTREAM")
                .arg("*")
                .arg(TELEMETRY_FIELD)
                .arg(&parcel.payload[..]);
        }
        let added: Vec<RedisResult<Option<String>>> = batch
            .query_async(&mut self.server)
            .await
            .map_err(disconnected)?;
        self.length += parcels.len();
        for (
            PendingPublish {
                sequence: number, ..
            },
            added,
        ) in parcels.into_iter().zip(added)
        {
            let outcome = self.outcome_of_add(added).map_err(disconnected)?;
            settled.push(PublishResult {
                sequence: number,
                outcome,
            });
        }
        Ok(())
    }
}

impl RedisProducer {
    /// What became of a reading, by the server's answer.
    fn outcome_of_add(
        &mut self,
        added: RedisResult<Option<String>>,
    ) -> RedisResult<PublishOutcome> {
        let was_full = std::mem::take(&mut self.is_full);
        match added {
            Ok(Some(_)) => Ok(PublishOutcome::Accepted),
            Ok(None) => {
                self.has_group = false;
                Ok(PublishOutcome::Rejected(RejectReason::NoConsumerGroup))
            }
            Err(error) if is_full(&error) => {
                self.is_full = true;
                // Once: it may be so for long.
                if !was_full {
                    tracing::warn!(%error, "the queue is full; telemetry is rejected");
                }
                Ok(PublishOutcome::Rejected(RejectReason::Full))
            }
            Err(error) => Err(error),
        }
    }

    async fn poll_stream(&mut self) -> Result<(), QueueError> {
        let mut length = redis::cmd("XLEN");
        self.length = length
            .arg(&self.key)
            .query_async(&mut self.server)
            .await
            .map_err(disconnected)?;
        self.has_group = !groups(&mut self.server, &self.key).await?.is_empty();
        self.polled_at = Instant::now();
        Ok(())
    }
}

/// A consumer's connection.
pub(super) struct RedisConsumer {
    server: CommandConnection,
    key: String,
    group: String,
    name: String,
    /// Whether what an earlier life had in hand may still be this one's.
    recovering: bool,
    /// When it is to be looked again for what the dead had.
    claim_at: Instant,
    /// When it is to be trimmed again.
    trim_at: Instant,
}

impl GroupConsumer for RedisConsumer {
    type Address = BrokerAddress;
    /// The entry's id.
    type Receipt = String;

    async fn join(
        address: &BrokerAddress,
        group: &ConsumerGroup,
        name: &str,
    ) -> Result<Self, QueueError> {
        let mut member = Self {
            server: connect(address).await?,
            key: key(&address.cluster),
            group: group.to_string(),
            name: name.to_owned(),
            recovering: true,
            claim_at: Instant::now(),
            trim_at: Instant::now(),
        };
        member.create_group().await?;
        Ok(member)
    }

    async fn poll(&mut self) -> Result<Vec<TelemetryDelivery<String>>, QueueError> {
        if self.recovering {
            let own = self.read("0", None).await?;
            self.recovering = !own.is_empty();
            if !own.is_empty() {
                return Ok(deliveries(own, true));
            }
        }
        if Instant::now() >= self.trim_at {
            self.trim_at = Instant::now() + POLL_TIMEOUT;
            self.trim().await?;
        }
        if Instant::now() >= self.claim_at {
            let claimed = self.claim().await?;
            if !claimed.is_empty() {
                return Ok(deliveries(claimed, true));
            }
            self.claim_at = Instant::now() + ACK_WAIT / 4;
        }
        Ok(deliveries(self.read(">", Some(POLL_TIMEOUT)).await?, false))
    }

    async fn acknowledge(&mut self, handled: &[String]) -> Result<(), QueueError> {
        let mut ack = redis::cmd("XACK");
        ack.arg(&self.key).arg(&self.group).arg(handled);
        ack.exec_async(&mut self.server).await.map_err(disconnected)
    }

    /// Claimed by who has them already, they were never left alone.
    async fn extend_ack(&mut self, in_hand: &[String]) -> Result<(), QueueError> {
        let mut claim = redis::cmd("XCLAIM");
        claim
            .arg(&self.key)
            .arg(&self.group)
            .arg(&self.name)
            .arg(0)
            .arg(in_hand)
            .arg("JUSTID");
        claim
            .exec_async(&mut self.server)
            .await
            .map_err(disconnected)
    }

    async fn leave(self) {}
}

impl RedisConsumer {
    /// From the stream's beginning: what lies there and was not trimmed is a group's
    /// that has not handled it.
    async fn create_group(&mut self) -> Result<(), QueueError> {
        let mut create = redis::cmd("XGROUP");
        create
            .arg("CREATE")
            .arg(&self.key)
            .arg(&self.group)
            .arg("0")
            .arg("MKSTREAM");
        match create.exec_async(&mut self.server).await {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            done => done.map_err(disconnected),
        }
    }

    async fn read(
        &mut self,
        from: &str,
        wait: Option<Duration>,
    ) -> Result<Vec<StreamId>, QueueError> {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.group).arg(&self.name);
        read.arg("COUNT").arg(MAX_UNACKED);
        if let Some(wait) = wait {
            read.arg("BLOCK").arg(wait.as_millis() as u64);
        }
        read.arg("STREAMS").arg(&self.key).arg(from);
        let reply: Option<StreamReadReply> = read
            .query_async(&mut self.server)
            .await
            .map_err(disconnected)?;
        let keys = reply.into_iter().flat_map(|reply| reply.keys);
        Ok(keys.flat_map(|key| key.ids).collect())
    }

    async fn claim(&mut self) -> Result<Vec<StreamId>, QueueError> {
        let mut claim = redis::cmd("XAUTOCLAIM");
        claim
            .arg(&self.key)
            .arg(&self.group)
            .arg(&self.name)
            .arg(ACK_WAIT.as_millis() as u64)
            .arg("0")
            .arg("COUNT")
            .arg(MAX_UNACKED);
        let reply: StreamAutoClaimReply = claim
            .query_async(&mut self.server)
            .await
            .map_err(disconnected)?;
        Ok(reply.claimed)
    }

    /// Takes away what every group has acknowledged.
    async fn trim(&mut self) -> Result<(), QueueError> {
        let mut low: Option<EntryId> = None;
        for group in groups(&mut self.server, &self.key).await? {
            let kept = self.first_unacked(&group).await?;
            low = Some(low.map_or(kept, |low| low.min(kept)));
        }
        let Some((millis, sequence)) = low else {
            return Ok(());
        };
        let mut trim = redis::cmd("XTRIM");
        trim.arg(&self.key)
            .arg("MINID")
            .arg("~")
            .arg(format!("{millis}-{sequence}"));
        trim.exec_async(&mut self.server)
            .await
            .map_err(disconnected)
    }

    /// The first entry that a group has not acknowledged, delivered or not.
    async fn first_unacked(&mut self, group: &StreamInfoGroup) -> Result<EntryId, QueueError> {
        let delivered = entry_id(&group.last_delivered_id);
        let after = (delivered.0, delivered.1.saturating_add(1));
        if group.pending == 0 {
            return Ok(after);
        }
        let mut pending = redis::cmd("XPENDING");
        pending.arg(&self.key).arg(&group.name);
        let reply: StreamPendingReply = pending
            .query_async(&mut self.server)
            .await
            .map_err(disconnected)?;
        Ok(match reply {
            StreamPendingReply::Data(pending) => entry_id(&pending.start_id).min(after),
            _ => after,
        })
    }
}

/// Milliseconds and a number within them.
type EntryId = (u64, u64);

/// Anything else is before everything, which trims nothing.
fn entry_id(text: &str) -> EntryId {
    let parts = text.split_once('-');
    let parts = parts.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.unwrap_or_default()
}

fn deliveries(entries: Vec<StreamId>, redelivered: bool) -> Vec<TelemetryDelivery<String>> {
    let delivery = |entry: StreamId| TelemetryDelivery {
        telemetry: entry
            .get::<Vec<u8>>(TELEMETRY_FIELD)
            .and_then(|reading| Telemetry::decode(&reading)),
        redelivered,
        receipt: entry.id,
    };
    entries.into_iter().map(delivery).collect()
}

/// The groups of a stream; of one that is not there, none.
async fn groups(
    server: &mut CommandConnection,
    key: &str,
) -> Result<Vec<StreamInfoGroup>, QueueError> {
    let mut exists = redis::cmd("EXISTS");
    let there: bool = exists
        .arg(key)
        .query_async(server)
        .await
        .map_err(disconnected)?;
    if !there {
        return Ok(Vec::new());
    }
    let mut info = redis::cmd("XINFO");
    let reply: StreamInfoGroupsReply = info
        .arg("GROUPS")
        .arg(key)
        .query_async(server)
        .await
        .map_err(disconnected)?;
    Ok(reply.groups)
}

fn key(cluster: &ClusterName) -> String {
    format!("highwater:{cluster}:telemetry")
}

async fn connect(address: &BrokerAddress) -> Result<CommandConnection, QueueError> {
    let connected =
        CommandConnection::connect(&address.server, POLL_TIMEOUT + RESPONSE_TIMEOUT).await;
    connected.map_err(disconnected)
}

fn disconnected(error: RedisError) -> QueueError {
    QueueError::disconnected(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_ordered_by_number_not_by_letter() {
        assert!(entry_id("999-0") < entry_id("1000-0"));
        assert!(entry_id("5-9") < entry_id("5-10"));
        assert_eq!(entry_id("odd"), (0, 0));
    }
}
