//! The key-value bucket of a run.

use std::time::Duration;

use async_nats::jetstream::{
    ErrorCode,
    context::GetStreamErrorKind,
    kv::{self, CreateErrorKind, EntryError, UpdateErrorKind},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    codec::{decode, encode},
    connection::Bus,
    documents::{RUN_KEY, RunDocument},
    error::BusError,
    run_id::RunId,
};

/// Most bytes of intervals that wait for a coordinator. A full stream accepts no more, and
/// workers keep what it does not accept.
const MAX_STREAM_BYTES: i64 = 1 << 30;
/// Time for which the server knows a message again. The coordinator itself recognises later
/// ones.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(600);

/// The bucket of a run.
#[derive(Debug, Clone)]
pub struct RunStore {
    bus: Bus,
    run: RunId,
    bucket: kv::Store,
}

/// A value of the bucket, with the revision that a compare-and-set names.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// The value.
    pub value: T,
    /// The revision.
    pub revision: u64,
}

impl RunStore {
    /// Creates the stream and the bucket of a run.
    ///
    /// # Errors
    /// [`BusError::RunExists`] if the bus has the run already, [`BusError::TooLarge`] if the server
    /// does not accept the document.
    pub async fn create(bus: &Bus, run: &RunId, document: &RunDocument) -> Result<Self, BusError> {
        // First, because a document that is too long would leave an empty bucket behind.
        encode_for(bus, RUN_KEY, document)?;
        // The bucket first: its existence decides which of two coordinators has the run.
        create_stream(bus, bucket_config(run)).await?;
        let bucket = bus.context.get_key_value(run.bucket()).await;
        let store = Self {
            bus: bus.clone(),
            run: run.clone(),
            bucket: bucket.map_err(|error| BusError::failed("open a bucket of the bus", error))?,
        };
        match store.create_value(RUN_KEY, document).await {
            Err(BusError::Conflict { .. }) => Err(BusError::RunExists {
                run: run.to_string(),
            }),
            // The bucket stays: it may be that of another coordinator, which had it before.
            Err(error) => Err(error),
            Ok(_) => {
                create_stream(bus, stream_config(run)).await?;
                Ok(store)
            }
        }
    }

    /// Opens the bucket of a run; `None` if the bus has no such run.
    ///
    /// # Errors
    /// [`BusError`] if the bus does not answer.
    pub async fn open(bus: &Bus, run: &RunId) -> Result<Option<Self>, BusError> {
        let found = bus.context.get_stream(stream_of_bucket(run)).await;
        if let Err(error) = found {
            return match error.kind() {
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(BusError::failed("use JetStream on the bus", error)),
            };
        }
        let bucket = bus.context.get_key_value(run.bucket()).await;
        Ok(Some(Self {
            bus: bus.clone(),
            run: run.clone(),
            bucket: bucket.map_err(|error| BusError::failed("open a bucket of the bus", error))?,
        }))
    }

    /// Removes a run from the bus.
    pub async fn delete(bus: &Bus, run: &RunId) -> Result<(), BusError> {
        let bucket = bus.context.delete_key_value(run.bucket()).await;
        let stream = bus.context.delete_stream(run.bucket()).await;
        bucket.map_err(|error| BusError::failed("remove the run's bucket", error))?;
        stream.map_err(|error| BusError::failed("remove the run's stream", error))?;
        Ok(())
    }

    /// Returns the value of a key; `None` if it has none.
    ///
    /// # Errors
    /// [`BusError::NoRun`] if the run was removed, [`BusError::Invalid`] if the value is of
    /// another version; otherwise the bus does not answer.
    pub async fn read<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<Stored<T>>, BusError> {
        let entry = match self.bucket.entry(key).await {
            Ok(entry) => entry,
            Err(error) => return Err(self.read_error(error).await),
        };
        let Some(entry) = entry.filter(|entry| entry.operation == kv::Operation::Put) else {
            return Ok(None);
        };
        Ok(Some(Stored {
            value: decode(key, &entry.value)?,
            revision: entry.revision,
        }))
    }

    /// Tells a run that was removed from a bus that does not answer.
    async fn read_error(&self, error: EntryError) -> BusError {
        match Self::open(&self.bus, &self.run).await {
            Ok(None) => BusError::NoRun {
                run: self.run.to_string(),
                waited: Duration::ZERO,
            },
            Ok(Some(_)) | Err(_) => BusError::failed("read from the bus", error),
        }
    }

    /// Creates a value. Returns its revision.
    ///
    /// # Errors
    /// [`BusError::Conflict`] if the key has a value.
    pub async fn create_value(&self, key: &str, value: &impl Serialize) -> Result<u64, BusError> {
        let bytes = self.encode(key, value)?;
        let created = self.bucket.create(key, bytes).await;
        created.map_err(|error| match error.kind() {
            CreateErrorKind::AlreadyExists => conflict(key),
            _ => BusError::failed("write to the bus", error),
        })
    }

    /// Replaces the value of revision `revision`. Returns the new revision.
    ///
    /// # Errors
    /// [`BusError::Conflict`] if the key has another revision by now.
    pub async fn update(
        &self,
        key: &str,
        value: &impl Serialize,
        revision: u64,
    ) -> Result<u64, BusError> {
        let bytes = self.encode(key, value)?;
        let updated = self.bucket.update(key, bytes, revision).await;
        updated.map_err(|error| match error.kind() {
            UpdateErrorKind::WrongLastRevision => conflict(key),
            _ => BusError::failed("write to the bus", error),
        })
    }

    /// Replaces a value whatever it is. Returns the new revision.
    ///
    /// # Errors
    /// [`BusError`] if the bus does not answer.
    pub async fn put(&self, key: &str, value: &impl Serialize) -> Result<u64, BusError> {
        let bytes = self.encode(key, value)?;
        let put = self.bucket.put(key, bytes).await;
        put.map_err(|error| BusError::failed("write to the bus", error))
    }

    fn encode(&self, key: &str, value: &impl Serialize) -> Result<bytes::Bytes, BusError> {
        encode_for(&self.bus, key, value)
    }
}

/// Returns the bytes of a value, if the server accepts as many.
fn encode_for(bus: &Bus, key: &str, value: &impl Serialize) -> Result<bytes::Bytes, BusError> {
    let bytes = encode(key, value)?;
    let limit = bus.max_payload();
    match bytes.len() > limit {
        true => Err(BusError::TooLarge {
            what: key.to_owned(),
            bytes: bytes.len(),
            limit,
        }),
        false => Ok(bytes),
    }
}

/// Returns the name of the stream below a run's bucket.
fn stream_of_bucket(run: &RunId) -> String {
    format!("KV_{}", run.bucket())
}

/// Returns the configuration of a bucket, as a stream. Reads go to its leader, because a copy
/// may be behind. The client library's own way asks for
/// the account first and cannot decode the answer of servers before 2.10.
fn bucket_config(run: &RunId) -> Config {
    Config {
        name: stream_of_bucket(run),
        subjects: vec![format!("$KV.{}.>", run.bucket())],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        allow_rollup: true,
        deny_delete: true,
        ..Config::default()
    }
}

fn stream_config(run: &RunId) -> Config {
    Config {
        name: run.bucket(),
        subjects: vec![run.subjects()],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        // The other policy would drop the oldest intervals.
        discard: DiscardPolicy::New,
        max_bytes: MAX_STREAM_BYTES,
        duplicate_window: DUPLICATE_WINDOW,
        ..Config::default()
    }
}

async fn create_stream(bus: &Bus, config: Config) -> Result<(), BusError> {
    let created = highwater_nats::create_stream(&bus.context, config).await;
    created
        .map(drop)
        .map_err(|error| BusError::failed("create a stream on the bus", error))
}

fn conflict(key: &str) -> BusError {
    BusError::Conflict {
        key: key.to_owned(),
    }
}
