//! The membership table in DynamoDB: one item, which is put on a condition.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use bytes::Bytes;

use super::{
    names::MEMBERSHIP_TABLE,
    tables::{TableForm, open_table},
};
use crate::{
    backplane::remote::{StoredTable, TransportError, TransportResult},
    id::ClusterName,
};

/// The key: the name of the cluster.
const CLUSTER: &str = "cluster";
const REVISION: &str = "revision";
const TABLE: &str = "membership_table";

/// The item of one cluster.
#[derive(Debug)]
pub(super) struct MembershipItem {
    client: Client,
    cluster: ClusterName,
}

impl MembershipItem {
    /// Opens the item, and creates the table for the first cluster.
    pub(super) async fn open(client: Client, cluster: &ClusterName) -> TransportResult<Self> {
        let form = TableForm {
            key: CLUSTER,
            number: None,
        };
        open_table(&client, MEMBERSHIP_TABLE, &form).await?;
        Ok(Self {
            client,
            cluster: cluster.clone(),
        })
    }

    pub(super) async fn load(&self) -> TransportResult<Option<StoredTable>> {
        let found = self
            .client
            .get_item()
            .table_name(MEMBERSHIP_TABLE)
            .key(CLUSTER, self.key())
            .consistent_read(true)
            .send()
            .await?;
        let Some(item) = found.item else {
            return Ok(None);
        };
        let revision = item.get(REVISION).and_then(|value| value.as_n().ok());
        let table = item.get(TABLE).and_then(|value| value.as_s().ok());
        match (revision.and_then(|text| text.parse().ok()), table) {
            (Some(revision), Some(table)) => Ok(Some(StoredTable {
                revision,
                table: Bytes::copy_from_slice(table.as_bytes()),
            })),
            _ => Err(TransportError::Unsuitable {
                what: format!(
                    "the item {} of {MEMBERSHIP_TABLE} is another one",
                    self.cluster
                ),
                hint: "delete it, if no member runs",
            }),
        }
    }

    pub(super) async fn store(
        &self,
        expected_revision: Option<u64>,
        table: &[u8],
    ) -> TransportResult<bool> {
        let text = std::str::from_utf8(table).map_err(TransportError::broken)?;
        // Random, because an item that was deleted would repeat a counter.
        let revision: u64 = rand::random();
        let put = self
            .client
            .put_item()
            .table_name(MEMBERSHIP_TABLE)
            .item(CLUSTER, self.key())
            .item(REVISION, AttributeValue::N(revision.to_string()))
            .item(TABLE, AttributeValue::S(text.to_owned()))
            .expression_attribute_names("#revision", REVISION);
        let put = match expected_revision {
            None => put.condition_expression("attribute_not_exists(#revision)"),
            Some(expected) => put
                .condition_expression("#revision = :expected")
                .expression_attribute_values(":expected", AttributeValue::N(expected.to_string())),
        };
        match put.send().await {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|answer| answer.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            stored => Ok(stored.map(|_| true)?),
        }
    }

    fn key(&self) -> AttributeValue {
        AttributeValue::S(self.cluster.as_str().to_owned())
    }
}
