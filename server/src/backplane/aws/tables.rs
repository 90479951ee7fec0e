//! Tables of DynamoDB, which the first process that needs one creates.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TableStatus,
    },
};
use tokio::time::sleep;

use crate::backplane::remote::TransportResult;

/// The time between two questions whether a new table can be used.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Creates a table with this key, if it does not exist, and waits until it can be used.
pub(super) async fn open_table(client: &Client, name: &str, key: &str) -> TransportResult<()> {
    loop {
        let described = client.describe_table().table_name(name).send().await;
        match described {
            Ok(described) => {
                let status = described.table.and_then(|table| table.table_status);
                let ready = [TableStatus::Active, TableStatus::Updating];
                if status.is_some_and(|status| ready.contains(&status)) {
                    return Ok(());
                }
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|answer| answer.is_resource_not_found_exception()) =>
            {
                create_table(client, name, key).await?;
            }
            Err(error) => return Err(error.into()),
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn create_table(client: &Client, name: &str, key: &str) -> TransportResult<()> {
    let attribute = AttributeDefinition::builder()
        .attribute_name(key)
        .attribute_type(ScalarAttributeType::S)
        .build()?;
    let schema = KeySchemaElement::builder()
        .attribute_name(key)
        .key_type(KeyType::Hash)
        .build()?;
    let created = client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute)
        .key_schema(schema)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    match created {
        // Another process creates it at the same time.
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|answer| answer.is_resource_in_use_exception()) =>
        {
            Ok(())
        }
        created => Ok(created.map(drop)?),
    }
}
