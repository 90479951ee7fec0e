//! Sending many at once, in order.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use lapin::{BasicProperties, Channel, Result, options::BasicPublishOptions};

use super::names::AmqpNames;
use crate::backplane::remote::{Destination, OutboundFrame};

/// Hands the frames to the broker.
pub(super) async fn publish(
    channel: &Channel,
    names: &AmqpNames,
    frames: Vec<OutboundFrame>,
) -> Result<()> {
    run_in_order(frames.into_iter().map(async |OutboundFrame { to, frame }| {
        let (exchange, key) = match &to {
            Destination::Inbox(inbox) => ("".into(), names.inbox(inbox)),
            Destination::Topic(topic) => (names.topics.clone(), topic.as_str().into()),
            Destination::Everyone => (names.everyone.clone(), "".into()),
        };
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        let publishing = channel.basic_publish(exchange, key, options, &frame, properties);
        // No confirms were asked for: that it is written is all there is to wait for.
        publishing.await.map(drop)
    }))
    .await
}

/// Runs calls of one channel to their end, without waiting for one before the next
/// is sent. A call sends when it is first polled: so they are, in order.
pub(super) async fn run_in_order<F>(calls: impl IntoIterator<Item = F>) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let mut under_way: Vec<Pin<Box<F>>> = Vec::new();
    for call in calls {
        let mut call = Box::pin(call);
        match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            Poll::Ready(done) => done?,
            Poll::Pending => under_way.push(call),
        }
    }
    for call in under_way {
        call.await?;
    }
    Ok(())
}
