//! Tables of DynamoDB, which the first process that needs one creates.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        StreamSpecification, StreamViewType, TableStatus,
    },
};
use tokio::time::sleep;

use crate::backplane::remote::TransportResult;

/// The time between two questions whether a new table can be used.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The keys of a table.
pub(super) struct TableForm {
    /// The key, a text.
    pub(super) key: &'static str,
    /// The number by which the items of one key are sorted. Such a table has a stream of its
    /// new items.
    pub(super) number: Option<&'static str>,
}

/// Creates a table, if it does not exist, and waits until it can be used. Returns the ARN of its
/// stream, if it has one.
pub(super) async fn open_table(
    client: &Client,
    name: &str,
    form: &TableForm,
) -> TransportResult<Option<String>> {
    loop {
        let described = client.describe_table().table_name(name).send().await;
        match described {
            Ok(described) => {
                let table = described.table.unwrap_or_else(|| {
                    aws_sdk_dynamodb::types::TableDescription::builder().build()
                });
                let ready = [TableStatus::Active, TableStatus::Updating];
                if table
                    .table_status
                    .is_some_and(|status| ready.contains(&status))
                {
                    return Ok(table.latest_stream_arn);
                }
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|answer| answer.is_resource_not_found_exception()) =>
            {
                create_table(client, name, form).await?;
            }
            Err(error) => return Err(error.into()),
        }
        sleep(POLL_INTERVAL).await;
    }
}

async fn create_table(client: &Client, name: &str, form: &TableForm) -> TransportResult<()> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(form.key, ScalarAttributeType::S)?)
        .key_schema(key(form.key, KeyType::Hash)?);
    if let Some(number) = form.number {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewImage)
            .build()?;
        request = request
            .attribute_definitions(attribute(number, ScalarAttributeType::N)?)
            .key_schema(key(number, KeyType::Range)?)
            .stream_specification(stream);
    }
    match request.send().await {
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

fn attribute(name: &str, of_type: ScalarAttributeType) -> TransportResult<AttributeDefinition> {
    let attribute = AttributeDefinition::builder().attribute_name(name);
    Ok(attribute.attribute_type(of_type).build()?)
}

fn key(name: &str, of_type: KeyType) -> TransportResult<KeySchemaElement> {
    let key = KeySchemaElement::builder().attribute_name(name);
    Ok(key.key_type(of_type).build()?)
}
