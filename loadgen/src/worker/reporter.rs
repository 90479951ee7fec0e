//! Once a second: what the worker counted, to the coordinator.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use highwater_reports::histogram::LatencyHistogram;
use tokio::{sync::mpsc, time::sleep_until};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::{
    control::{FromWorker, WorkerInterval},
    sampling::own_process,
};

/// Intervals that wait to be sent before the next one is merged into them.
pub const INTERVAL_QUEUE_LEN: usize = 64;

/// Sends an interval at the end of each second of the run's clock, and a last
/// one when `finished`. A worker that could not run for some seconds sends one
/// interval that covers them all.
pub async fn report(
    context: Arc<Context>,
    finished: CancellationToken,
    to: mpsc::Sender<FromWorker>,
) {
    let mut second = context.clock.now().as_secs();
    loop {
        let last = tokio::select! {
            () = sleep_until(context.clock.instant_of_second(second + 1)) => false,
            () = finished.cancelled() => true,
        };
        let now = context.clock.now().as_secs().max(second + 1);
        let interval = take_interval(&context, second, now - second);
        second = now;
        if to.send(FromWorker::Interval(interval)).await.is_err() || last {
            return;
        }
    }
}

fn take_interval(context: &Context, second: u64, length: u64) -> WorkerInterval {
    let taken = context.recorder.take_snapshot();
    let mut gauges = taken.gauges;
    gauges.extend(own_process());
    WorkerInterval {
        second,
        length,
        counters: taken.counters,
        gauges,
        latencies: taken
            .latencies
            .into_iter()
            .filter_map(|(tag, histogram)| Some((tag, encode_histogram(&histogram)?)))
            .collect(),
        buckets: context.conn_events.take_buckets(),
        ramp_resolved: taken.ramp_resolved,
    }
}

/// Base64 of the histogram's compressed V2 form, which loses nothing.
fn encode_histogram(histogram: &LatencyHistogram) -> Option<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .ok()?;
    Some(BASE64_STANDARD.encode(bytes))
}
