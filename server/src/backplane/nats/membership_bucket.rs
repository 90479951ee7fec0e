//! The membership table in NATS: the one key of a JetStream key-value bucket, whose
//! revisions are the table's.

use async_nats::{
    Client,
    jetstream::{
        self,
        kv::{CreateErrorKind, Operation, Store, UpdateErrorKind},
        stream::{Config, DiscardPolicy},
    },
};
use bytes::Bytes;
use highwater_nats::create_stream;

use super::subjects::bucket_name;
use crate::{
    backplane::remote::{StoredTable, TransportError, TransportResult},
    id::ClusterName,
};

const KEY: &str = "membership_table";

/// The bucket of one cluster.
pub(super) struct MembershipBucket {
    bucket: Store,
}

impl MembershipBucket {
    /// Opens the bucket and creates it if it is missing.
    ///
    /// Several nodes may do so at once: the server accepts equal creations as one.
    pub(super) async fn open(client: &Client, cluster: &ClusterName) -> TransportResult<Self> {
        let jetstream = jetstream::new(client.clone());
        let name = bucket_name(cluster);
        if let Ok(bucket) = jetstream.get_key_value(&name).await {
            return Ok(Self { bucket });
        }
        // Not by `create_key_value`: it asks for the account first and cannot decode the
        // answer of servers before 2.10.
        match create_stream(&jetstream, config(&name, cluster)).await {
            Ok(_) => Ok(Self {
                bucket: jetstream.get_key_value(&name).await?,
            }),
            Err(_) if !client.server_info().jetstream => Err(TransportError::Unsuitable {
                what: "the NATS server has no JetStream".to_owned(),
                hint: "start it with -js, or with a jetstream block in its configuration",
            }),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn load(&self) -> TransportResult<Option<StoredTable>> {
        let entry = self.bucket.entry(KEY).await?;
        // The entry of a key that was deleted by hand is a marker without a table.
        let stored = entry.filter(|entry| entry.operation == Operation::Put);
        Ok(stored.map(|entry| StoredTable {
            revision: entry.revision,
            table: entry.value,
        }))
    }

    pub(super) async fn store(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> TransportResult<bool> {
        let Some(revision) = expected_revision else {
            return match self.bucket.create(KEY, table).await {
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(false),
                created => Ok(created.map(|_| true)?),
            };
        };
        match self.bucket.update(KEY, table, revision).await {
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(false),
            updated => Ok(updated.map(|_| true)?),
        }
    }
}

/// Returns the configuration of the stream behind a bucket, in the form that all client
/// libraries expect.
fn config(bucket: &str, cluster: &ClusterName) -> Config {
    Config {
        name: format!("KV_{bucket}"),
        description: Some(format!("members of the Highwater cluster {cluster}")),
        subjects: vec![format!("$KV.{bucket}.>")],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_direct: true,
        allow_rollup: true,
        deny_delete: true,
        num_replicas: 1,
        ..Config::default()
    }
}
