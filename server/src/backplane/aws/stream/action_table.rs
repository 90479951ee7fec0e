//! The table of actions: a record for each message, under the key of its sender.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use aws_sdk_dynamodbstreams::types::AttributeValue as StreamValue;

use super::super::{
    message::{ID, Message, PART, TO},
    names::AwsNames,
    tables::{TableForm, open_table},
};
use crate::{backplane::remote::TransportResult, clock::now_ms};

/// The key: the id of the sender's inbox.
const SENDER: &str = "sender";
/// The number of the message, by which the records of a sender are sorted.
const NUMBER: &str = "number";
const CONTENT: &str = "content";
/// The second since 1970 from which the provider may delete the record.
const EXPIRES: &str = "expires";

/// The time for which a record stays in the table. The stream keeps it for a day of its own.
const KEPT_S: u64 = 3_600;

/// The table of one cluster.
#[derive(Debug, Clone)]
pub(super) struct ActionTable {
    client: Client,
    name: String,
    /// The ARN of its stream.
    pub(super) stream: String,
}

impl ActionTable {
    /// Opens the table, and creates it for the first process of the cluster.
    pub(super) async fn open(client: Client, names: &AwsNames) -> TransportResult<Self> {
        let name = names.action_table();
        let form = TableForm {
            key: SENDER,
            number: Some(NUMBER),
        };
        let stream = open_table(&client, &name, &form).await?;
        Ok(Self {
            client,
            name,
            stream: stream.unwrap_or_default(),
        })
    }

    /// Writes a message. One after the other keeps their order in the stream.
    pub(super) async fn write(&self, message: &Message) -> TransportResult<()> {
        let expires = now_ms() / 1_000 + KEPT_S;
        let number = |value: u64| AttributeValue::N(value.to_string());
        let mut put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item(SENDER, AttributeValue::S(message.id.sender.clone()))
            .item(NUMBER, number(message.id.number))
            .item(
                CONTENT,
                AttributeValue::B(Blob::new(message.content.to_vec())),
            )
            .item(EXPIRES, number(expires));
        for (name, value) in message.attributes() {
            put = put.item(name, AttributeValue::S(value));
        }
        put.send().await?;
        Ok(())
    }
}

/// Reads the message in a new record, or returns `None` for one of another program.
pub(super) fn message_in(record: &HashMap<String, StreamValue>) -> Option<Message> {
    let text = |name: &str| record.get(name)?.as_s().ok().map(String::as_str);
    let content = record.get(CONTENT)?.as_b().ok()?;
    Message::from_parts(
        text(TO)?,
        text(ID)?,
        text(PART),
        content.as_ref().to_vec().into(),
    )
}
