//! The reporter: sends what the worker counted to the coordinator, once a second.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use highwater_reports::histogram::LatencyHistogram;
use tokio::{sync::mpsc, time::sleep_until};
use tokio_util::sync::CancellationToken;

use super::context::Context;
use crate::{
    control::{FromWorker, LeftOut, WorkerInterval},
    sampling::own_process,
};

/// Intervals that wait to be sent. If the coordinator takes nothing for longer, the next
/// interval covers several seconds: memory stays bounded.
pub const INTERVAL_QUEUE_LEN: usize = 64;

/// Sends an interval at the end of each second of the run's clock, and a last one when
/// `finished` is cancelled. If the worker could not run for some seconds, one interval
/// covers them all.
pub async fn report(
    context: Arc<Context>,
    finished: CancellationToken,
    interval_sender: mpsc::Sender<FromWorker>,
) {
    let mut second = context.clock.now().as_secs();
    loop {
        let last = tokio::select! {
            () = sleep_until(context.clock.instant_of_second(second + 1)) => false,
            () = finished.cancelled() => true,
        };
        // The clock may have passed several seconds, or none if the run has finished.
        let end = context.clock.now().as_secs().max(second + 1);
        let interval = take_interval(&context, second, end - second);
        second = end;
        let sent = interval_sender.send(FromWorker::Interval(interval)).await;
        // An error says that the worker's run has ended and takes no interval any more.
        if sent.is_err() || last {
            return;
        }
    }
}

fn take_interval(context: &Context, second: u64, length: u64) -> WorkerInterval {
    let snapshot = context.recorder.take_snapshot();
    let mut gauges = snapshot.gauges;
    gauges.extend(own_process());
    WorkerInterval {
        second,
        length,
        counters: snapshot.counters,
        gauges,
        latencies: snapshot
            .latencies
            .into_iter()
            .filter_map(|(tag, histogram)| Some((tag, encode_histogram(&histogram)?)))
            .collect(),
        buckets: context.conn_events.take_buckets(),
        ramp_resolved: snapshot.ramp_resolved,
        failures: context.failure_examples.take_unsent(),
        left_out: LeftOut::default(),
    }
}

/// Returns the histogram's compressed V2 form, which loses nothing, in base64.
fn encode_histogram(histogram: &LatencyHistogram) -> Option<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .ok()?;
    Some(BASE64_STANDARD.encode(bytes))
}
