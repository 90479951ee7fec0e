//! Topics and telemetry of one device, over all the sockets that it has.

use highwater_scenarios::plan::DevicePool;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::telemetry::TelemetrySender;
use crate::{
    keys::DeviceKey,
    worker::{context::Context, messages::TopicClient},
};

/// The traffic of a device besides heartbeats and commands.
///
/// Both parts are boxed and usually absent: an idle device carries two null pointers.
#[derive(Debug)]
pub struct DeviceTraffic {
    /// Subscriptions and publishers; `None` without any.
    pub topics: Option<Box<TopicClient>>,
    /// Telemetry; `None` if the pool sends none.
    pub telemetry: Option<Box<TelemetrySender>>,
}

impl DeviceTraffic {
    /// Creates what the plan has for a device.
    pub fn for_device(context: &Context, pool: &DevicePool, device: DeviceKey) -> Self {
        Self {
            topics: TopicClient::for_device(context, device),
            telemetry: TelemetrySender::for_device(context, pool, device.index),
        }
    }

    /// Returns when [`next_topic_frame`](Self::next_topic_frame) and
    /// [`next_telemetry_frame`](Self::next_telemetry_frame) are to be called; `None` if
    /// the device only waits for answers.
    pub fn next_due(&self, context: &Context) -> Option<Instant> {
        let topics = self.topics.as_ref();
        let message = topics.and_then(|topics| topics.next_due(context));
        let telemetry = self.telemetry.as_ref();
        let telemetry = telemetry.and_then(|telemetry| telemetry.next_wake(context));
        message.into_iter().chain(telemetry).min()
    }

    /// Returns a message to publish now, if one is due.
    pub fn next_topic_frame(&mut self, context: &Context) -> Option<Message> {
        self.topics.as_mut()?.next_frame(context)
    }

    /// Returns a telemetry record to send now, if one is due.
    pub fn next_telemetry_frame(&mut self, context: &Context) -> Option<Message> {
        self.telemetry.as_mut()?.next_frame(context)
    }

    /// Whether the system has accepted all telemetry that was due.
    pub fn all_accepted(&self) -> bool {
        let telemetry = self.telemetry.as_ref();
        telemetry.is_none_or(|telemetry| telemetry.all_accepted())
    }

    /// Ends what one socket had begun. `drained` says that it closed in order at the end
    /// of the run.
    pub fn on_close(&mut self, context: &Context, drained: bool) {
        if let Some(topics) = &mut self.topics {
            topics.on_close(context, drained);
        }
    }

    /// Records, at the end of the run, the messages and telemetry that were due and did
    /// not get through.
    pub fn finish(self, context: &Context) {
        // Messages that fell due after the last socket ended.
        if let Some(mut topics) = self.topics {
            topics.skip_due(context);
        }
        if let Some(telemetry) = self.telemetry {
            context.add_unaccepted_telemetry(telemetry.finish(context));
        }
    }
}
