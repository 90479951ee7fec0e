//! Sending many frames at once, in order.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use lapin::{BasicProperties, Channel, Result, options::BasicPublishOptions};

use super::names::AmqpNames;
use crate::backplane::remote::{Destination, OutboundFrame};

/// Publishes frames.
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
        // Not persistent: no node reads a queue that outlived its connection.
        let properties = BasicProperties::default();
        let publishing = channel.basic_publish(exchange, key, options, &frame, properties);
        // Without publisher confirms, the future ends when the frame is written.
        publishing.await.map(drop)
    }))
    .await
}

/// Runs calls on one channel, and does not wait for the result of one before it sends the
/// next.
///
/// A call is sent when its future is first polled. The futures are polled in order.
pub(super) async fn run_in_order<F>(calls: impl IntoIterator<Item = F>) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let mut in_flight: Vec<Pin<Box<F>>> = Vec::new();
    for call in calls {
        let mut call = Box::pin(call);
        match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            Poll::Ready(done) => done?,
            Poll::Pending => in_flight.push(call),
        }
    }
    for call in in_flight {
        call.await?;
    }
    Ok(())
}
