//! A Redis stream (`redis://…`), with a Redis consumer group for each group.
//!
//! **Acceptance.** A record is accepted once it is in the stream. With `appendonly yes` an
//! accepted record survives a killed server, except for the last two seconds if a busy
//! disk delays the write and `appendfsync` is not `always`. Without persistence it survives
//! only its clients. The stream is one key, so in a Redis cluster it is on one server.
//!
//! **Redelivery.** An entry belongs to its consumer until it is acknowledged, or until it
//! was idle for [`ACK_WAIT`]. Then any other member claims it. A consumer that restarts
//! under its old name begins with its old entries.
//!
//! **Bounds.** Entries that every group has acknowledged are trimmed about each second. A
//! stream of [`MAX_QUEUED_RECORDS`] rejects more, and so does a server at its `maxmemory`;
//! consumers continue and make room. Each node polls the length of the stream once a
//! second, so the records of the other nodes in that time may come on top.

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
    queue::{
        ACK_WAIT, GroupConsumer, MAX_QUEUED_RECORDS, MAX_UNACKED, PendingPublish, PublishOutcome,
        PublishResult, QueueError, RejectReason, TelemetryDelivery, TelemetryProducer, reject_all,
    },
    registry::{BrokerAddress, BrokerProducer},
};
use crate::{
    backplane::redis::{CommandConnection, is_full},
    id::{ClusterName, ConsumerGroup},
};

/// The time that [`GroupConsumer::poll`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that a command may take. It covers the server's own wait for new entries.
const CALL_TIMEOUT: Duration = Duration::from_secs(6);
/// The field of an entry that holds the record.
const TELEMETRY_FIELD: &str = "telemetry";
/// Interval at which a node polls the length of the stream and its groups.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A node's connection to the server.
pub(super) struct RedisProducer {
    server: CommandConnection,
    key: String,
    /// Whether there was a group at the last poll.
    has_group: bool,
    /// The entries at the last poll, and those that this node has added since.
    length: usize,
    /// Whether the server had no memory for the last record.
    is_full: bool,
    polled_at: Instant,
}

impl BrokerProducer for RedisProducer {}

impl TelemetryProducer for RedisProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, QueueError> {
        let mut producer = Self {
            server: CommandConnection::connect(&address.servers, CALL_TIMEOUT).await?,
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
        records: Vec<PendingPublish>,
        results: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        let fits = |producer: &Self| producer.length + records.len() <= MAX_QUEUED_RECORDS;
        if !self.has_group || !fits(self) || self.polled_at.elapsed() >= POLL_INTERVAL {
            self.poll_stream().await?;
        }
        if !self.has_group {
            results.extend(reject_all(&records, RejectReason::NoConsumerGroup));
            return Ok(());
        }
        if !fits(self) {
            results.extend(reject_all(&records, RejectReason::Full));
            return Ok(());
        }
        let mut batch = redis::pipe();
        // Each record has an answer of its own: some may be in the stream when others fail.
        batch.ignore_errors();
        for record in &records {
            // NOMKSTREAM: a deleted stream has lost its groups, and only a consumer may create
            // it again.
            let options = ("NOMKSTREAM", "*", TELEMETRY_FIELD);
            let payload = &record.payload[..];
            batch.cmd("XADD").arg((&self.key, options, payload));
        }
        let added: Vec<RedisResult<Option<String>>> = batch.query_async(&mut self.server).await?;
        self.length += records.len();
        for (PendingPublish { sequence, .. }, added) in records.into_iter().zip(added) {
            let outcome = self.outcome_of_add(added)?;
            results.push(PublishResult { sequence, outcome });
        }
        Ok(())
    }
}

impl RedisProducer {
    /// Returns the outcome of a record from the server's answer.
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
                // Logged once, because the server may be full for long.
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
        let length = length.arg(&self.key);
        self.length = length.query_async(&mut self.server).await?;
        self.has_group = !groups(&mut self.server, &self.key).await?.is_empty();
        self.polled_at = Instant::now();
        Ok(())
    }
}

/// A consumer's connection to the server.
pub(super) struct RedisConsumer {
    server: CommandConnection,
    key: String,
    group: String,
    name: String,
    /// Whether entries of an earlier process of this name may be left.
    recovering: bool,
    /// The time of the next search for entries of dead members.
    claim_at: Instant,
    /// The time of the next trim.
    trim_at: Instant,
}

impl GroupConsumer for RedisConsumer {
    type Address = BrokerAddress;
    /// The id of the entry.
    type Receipt = String;

    async fn join(
        address: &BrokerAddress,
        group: &ConsumerGroup,
        name: &str,
    ) -> Result<Self, QueueError> {
        let mut member = Self {
            server: CommandConnection::connect(&address.servers, CALL_TIMEOUT).await?,
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
        // First: no other member gets the entries of an earlier process before they are idle.
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
            // A dead member's entries wait at most a quarter longer than the ack wait.
            self.claim_at = Instant::now() + ACK_WAIT / 4;
        }
        Ok(deliveries(self.read(">", Some(POLL_TIMEOUT)).await?, false))
    }

    async fn acknowledge(&mut self, handled: &[String]) -> Result<(), QueueError> {
        let mut ack = redis::cmd("XACK");
        ack.arg((&self.key, &self.group, handled));
        Ok(ack.exec_async(&mut self.server).await?)
    }

    /// Claims the entries for the consumer that has them, which resets their idle time.
    async fn extend_ack(&mut self, unacked: &[String]) -> Result<(), QueueError> {
        let mut claim = redis::cmd("XCLAIM");
        // Without a minimum, so that entries are claimed that are not idle.
        let min_idle_ms = 0;
        claim.arg((&self.key, &self.group, &self.name, min_idle_ms, unacked));
        // Ids alone: the member has the entries already.
        claim.arg("JUSTID");
        Ok(claim.exec_async(&mut self.server).await?)
    }

    async fn leave(self) {}
}

impl RedisConsumer {
    /// Creates the group from the beginning of the stream: entries that are not trimmed
    /// were accepted since the first group joined.
    async fn create_group(&mut self) -> Result<(), QueueError> {
        let mut create = redis::cmd("XGROUP");
        create.arg(("CREATE", &self.key, &self.group, "0", "MKSTREAM"));
        match create.exec_async(&mut self.server).await {
            // The group exists already.
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            done => Ok(done?),
        }
    }

    async fn read(
        &mut self,
        from: &str,
        wait: Option<Duration>,
    ) -> Result<Vec<StreamId>, QueueError> {
        let mut read = redis::cmd("XREADGROUP");
        read.arg(("GROUP", &self.group, &self.name, "COUNT", MAX_UNACKED));
        if let Some(wait) = wait {
            read.arg(("BLOCK", wait.as_millis() as u64));
        }
        read.arg(("STREAMS", &self.key, from));
        // The answer is nil if no entry has arrived in that time.
        let reply: Option<StreamReadReply> = read.query_async(&mut self.server).await?;
        let keys = reply.into_iter().flat_map(|reply| reply.keys);
        Ok(keys.flat_map(|key| key.ids).collect())
    }

    async fn claim(&mut self) -> Result<Vec<StreamId>, QueueError> {
        let mut claim = redis::cmd("XAUTOCLAIM");
        let min_idle_ms = ACK_WAIT.as_millis() as u64;
        claim.arg((&self.key, &self.group, &self.name, min_idle_ms));
        claim.arg(("0", "COUNT", MAX_UNACKED));
        let reply: StreamAutoClaimReply = claim.query_async(&mut self.server).await?;
        Ok(reply.claimed)
    }

    /// Deletes the entries that every group has acknowledged.
    async fn trim(&mut self) -> Result<(), QueueError> {
        let mut low: Option<EntryId> = None;
        for group in groups(&mut self.server, &self.key).await? {
            let first = self.first_unacked(&group).await?;
            low = Some(low.map_or(first, |low| low.min(first)));
        }
        let Some((millis, sequence)) = low else {
            return Ok(());
        };
        let mut trim = redis::cmd("XTRIM");
        // Approximate ("~"): Redis removes whole nodes of the stream only, which costs less.
        trim.arg((&self.key, "MINID", "~", format!("{millis}-{sequence}")));
        Ok(trim.exec_async(&mut self.server).await?)
    }

    /// Returns the first entry that a group has not acknowledged, delivered or not.
    async fn first_unacked(&mut self, group: &StreamInfoGroup) -> Result<EntryId, QueueError> {
        let delivered = entry_id(&group.last_delivered_id);
        let after = (delivered.0, delivered.1.saturating_add(1));
        if group.pending == 0 {
            return Ok(after);
        }
        let mut pending = redis::cmd("XPENDING");
        pending.arg((&self.key, &group.name));
        Ok(match pending.query_async(&mut self.server).await? {
            StreamPendingReply::Data(pending) => entry_id(&pending.start_id).min(after),
            _ => after,
        })
    }
}

/// The id of an entry: milliseconds, and a number within them.
type EntryId = (u64, u64);

/// Parses an id. An invalid one becomes the lowest, so that a trim deletes nothing.
fn entry_id(text: &str) -> EntryId {
    let parts = text.split_once('-');
    let parts = parts.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.unwrap_or_default()
}

fn deliveries(entries: Vec<StreamId>, redelivered: bool) -> Vec<TelemetryDelivery<String>> {
    let delivery = |entry: StreamId| TelemetryDelivery {
        telemetry: entry
            .get::<Vec<u8>>(TELEMETRY_FIELD)
            .and_then(|bytes| Telemetry::decode(&bytes)),
        redelivered,
        receipt: entry.id,
    };
    entries.into_iter().map(delivery).collect()
}

/// Returns the groups of a stream; none if the stream does not exist.
async fn groups(
    server: &mut CommandConnection,
    key: &str,
) -> Result<Vec<StreamInfoGroup>, QueueError> {
    // XINFO fails for a key that does not exist.
    let mut exists = redis::cmd("EXISTS");
    let exists: bool = exists.arg(key).query_async(server).await?;
    if !exists {
        return Ok(Vec::new());
    }
    let mut info = redis::cmd("XINFO");
    info.arg(("GROUPS", key));
    let reply: StreamInfoGroupsReply = info.query_async(server).await?;
    Ok(reply.groups)
}

fn key(cluster: &ClusterName) -> String {
    format!("highwater:{cluster}:telemetry")
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        Self::disconnected(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_ids_order_as_numbers() {
        assert!(entry_id("999-0") < entry_id("1000-0"));
        assert!(entry_id("5-9") < entry_id("5-10"));
        assert_eq!(entry_id("odd"), (0, 0));
    }
}
