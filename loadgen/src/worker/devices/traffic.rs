//! Topics and telemetry of one device, over all the sockets that it has.

use highwater_scenarios::plan::DevicePool;
use tokio::time::Instant;

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

    /// Returns when the next frame of either part may be due; `None` if the device only waits
    /// for answers.
    pub fn next_due(&self, context: &Context) -> Option<Instant> {
        let topics = self.topics.as_ref();
        let message = topics.and_then(|topics| topics.next_due(context));
        let telemetry = self.telemetry.as_ref();
        let telemetry = telemetry.and_then(|telemetry| telemetry.next_wake(context));
        message.into_iter().chain(telemetry).min()
    }

    /// Whether the system has accepted all telemetry that was due.
    pub fn all_accepted(&self) -> bool {
        let telemetry = self.telemetry.as_ref();
        telemetry.is_none_or(|telemetry| telemetry.all_accepted())
    }

    /// Records, at the end of the run, the messages and telemetry that were due and did
    /// not get through.
    pub fn finish(self, context: &Context) {
        // Messages that fell due after the last socket ended.
        if let Some(mut topics) = self.topics {
            topics.skip_due(context);
        }
        if let Some(telemetry) = self.telemetry {
            let unaccepted = telemetry.finish(context);
            context.unaccepted_telemetry.lock().extend(unaccepted);
        }
    }
}
