//! The roster, in a JetStream key-value bucket with one key. The bucket's revisions
//! are the roster's.

use async_nats::{
    Client,
    jetstream::{
        self,
        kv::{CreateErrorKind, Operation, Store, UpdateErrorKind},
        stream::{Config, DiscardPolicy},
    },
};
use bytes::Bytes;

use super::{connection::broken, subjects::bucket_name};
use crate::{
    backplane::remote::{StoredTable, TransportError},
    id::ClusterName,
};

const KEY: &str = "membership_table";

/// The cluster's bucket.
pub(super) struct MembershipBucket {
    bucket: Store,
}

impl MembershipBucket {
    /// Opens the bucket, and creates it where there is none. Several nodes may do
    /// so at once: the server takes equal creations for one.
    pub(super) async fn open(
        client: &Client,
        cluster: &ClusterName,
    ) -> Result<Self, TransportError> {
        let jetstream = jetstream::new(client.clone());
        let name = bucket_name(cluster);
        if let Ok(bucket) = jetstream.get_key_value(&name).await {
            return Ok(Self { bucket });
        }
        // The client library's own way to create a bucket asks for the account first,
        // and does not understand what servers before 2.10 answer.
        match jetstream.create_stream(config(&name, cluster)).await {
            Ok(_) => {
                let created = jetstream.get_key_value(&name).await;
                Ok(Self {
                    bucket: created.map_err(broken)?,
                })
            }
            Err(_) if !client.server_info().jetstream => Err(TransportError::Unsuitable {
                what: "the NATS server has no JetStream".to_owned(),
                hint: "start it with -js, or with a jetstream block in its configuration",
            }),
            Err(error) => Err(broken(error)),
        }
    }

    pub(super) async fn load(&self) -> Result<Option<StoredTable>, TransportError> {
        let entry = self.bucket.entry(KEY).await.map_err(broken)?;
        // A marker stands for a key that somebody deleted by hand.
        let kept = entry.filter(|entry| entry.operation == Operation::Put);
        Ok(kept.map(|entry| StoredTable {
            revision: entry.revision,
            table: entry.value,
        }))
    }

    pub(super) async fn store(
        &self,
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> Result<bool, TransportError> {
        match instead_of {
            None => match self.bucket.create(KEY, roster).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(broken(error)),
            },
            Some(revision) => match self.bucket.update(KEY, roster, revision).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(false),
                Err(error) => Err(broken(error)),
            },
        }
    }
}

/// A bucket is a stream of this form, by agreement among the client libraries.
fn config(bucket: &str, cluster: &ClusterName) -> Config {
    Config {
        name: format!("KV_{bucket}"),
        description: Some(format!("who is in the Highwater cluster {cluster}")),
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
