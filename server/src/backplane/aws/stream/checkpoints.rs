//! The notes of a filter: how far each shard has been read.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use super::super::{
    names::{AwsNames, CHECKPOINT_TABLE},
    tables::{TableForm, open_table},
};
use crate::backplane::remote::TransportResult;

/// The key: the cluster and the stream.
const STREAM: &str = "stream";
/// The map from shards to sequence numbers.
const PLACES: &str = "places";
/// The note of a shard that has been read to its end.
const ENDED: &str = "ended";

/// The notes on one stream.
#[derive(Debug)]
pub(super) struct Checkpoints {
    client: Client,
    key: String,
    places: BTreeMap<String, Place>,
}

/// The place up to which a shard has been published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The sequence number of the last record.
    After(String),
    /// The end of the shard.
    Ended,
}

impl Checkpoints {
    /// Loads the notes on a stream, and creates the table for the first filter.
    pub(super) async fn open(
        client: Client,
        names: &AwsNames,
        stream: &str,
    ) -> TransportResult<Self> {
        let form = TableForm {
            key: STREAM,
            number: None,
        };
        open_table(&client, CHECKPOINT_TABLE, &form).await?;
        // The stream of a table that was created again has another label.
        let label = stream.rsplit('/').next().unwrap_or_default();
        let key = format!("{}/{label}", names.cluster);
        let found = client
            .get_item()
            .table_name(CHECKPOINT_TABLE)
            .key(STREAM, AttributeValue::S(key.clone()))
            .consistent_read(true)
            .send()
            .await?;
        let noted = found.item.and_then(|mut item| item.remove(PLACES));
        let noted = noted.and_then(|places| places.as_m().ok().cloned());
        let places = noted.unwrap_or_default().into_iter();
        let places = places.filter_map(|(shard, place)| {
            let place = match place.as_s().ok()?.as_str() {
                ENDED => Place::Ended,
                sequence => Place::After(sequence.to_owned()),
            };
            Some((shard, place))
        });
        Ok(Self {
            client,
            key,
            places: places.collect(),
        })
    }

    /// Returns the place in a shard.
    pub(super) fn place(&self, shard: &str) -> Option<&Place> {
        self.places.get(shard)
    }

    /// Returns the shards that have been read to their end.
    pub(super) fn ended(&self) -> BTreeSet<String> {
        let ended = self.places.iter();
        let ended = ended.filter(|(_, place)| **place == Place::Ended);
        ended.map(|(shard, _)| shard.clone()).collect()
    }

    /// Forgets the shards that the stream does not list any more.
    pub(super) fn retain(&mut self, is_listed: impl Fn(&str) -> bool) {
        self.places.retain(|shard, _| is_listed(shard));
    }

    /// Notes a place and stores all of them.
    pub(super) async fn store(&mut self, shard: &str, place: Place) -> TransportResult<()> {
        self.places.insert(shard.to_owned(), place);
        let places = self.places.iter().map(|(shard, place)| {
            let text = match place {
                Place::After(sequence) => sequence.clone(),
                Place::Ended => ENDED.to_owned(),
            };
            (shard.clone(), AttributeValue::S(text))
        });
        self.client
            .put_item()
            .table_name(CHECKPOINT_TABLE)
            .item(STREAM, AttributeValue::S(self.key.clone()))
            .item(PLACES, AttributeValue::M(places.collect()))
            .send()
            .await?;
        Ok(())
    }
}
