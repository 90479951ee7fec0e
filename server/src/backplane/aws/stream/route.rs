//! The route of frames through the table of actions.

use bytes::BytesMut;
use tokio::sync::watch;

use super::{
    super::{
        clients::AwsClients,
        message::{Draft, MessagePath, Recipient},
        names::AwsNames,
        publisher::Publisher,
        queues::ClusterQueues,
        transport::{AwsTransport, Route},
    },
    action_table::ActionTable,
};
use crate::backplane::remote::{TransportError, TransportResult};

/// The transport of a cluster whose actions a filter publishes.
pub(in crate::backplane) type StreamTransport = AwsTransport<StreamRoute>;

/// Everything for a node or a topic goes to the table, in the order of sending.
pub(in crate::backplane) struct StreamRoute {
    actions: ActionTable,
}

impl Route for StreamRoute {
    async fn open(clients: &AwsClients, names: &AwsNames) -> TransportResult<Self> {
        let actions = ActionTable::open(clients.dynamodb.clone(), names).await?;
        Ok(Self { actions })
    }

    async fn send(
        &self,
        publisher: &Publisher,
        queues: &ClusterQueues,
        drafts: Vec<Draft>,
    ) -> TransportResult<()> {
        for draft in drafts {
            match draft.recipient {
                // A sign of life: it must not depend on the filter.
                Recipient::Everyone => {
                    let message = publisher.number(draft, MessagePath::Topic);
                    publisher.publish(&queues.topic.arn, vec![message]).await?;
                }
                Recipient::Inbox(_) | Recipient::Topic(_) => {
                    let message = publisher.number(draft, MessagePath::Stream);
                    self.actions.write(&message).await?;
                }
            }
        }
        Ok(())
    }

    /// Writes a message to the node itself: when it returns, the filter has published those
    /// before it.
    async fn flush(
        &self,
        publisher: &Publisher,
        inbox_id: String,
        mut returned: watch::Receiver<u64>,
    ) -> TransportResult<()> {
        let empty = Draft {
            recipient: Recipient::Inbox(inbox_id),
            fragment: None,
            content: BytesMut::new(),
        };
        let message = publisher.number(empty, MessagePath::Stream);
        let number = message.id.number;
        self.actions.write(&message).await?;
        let came_back = returned.wait_for(|last| *last >= number).await;
        came_back.map(drop).map_err(TransportError::broken)
    }
}
