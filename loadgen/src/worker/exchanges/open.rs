//! The open model: messages on a fixed schedule, whether or not earlier ones were answered.

use std::sync::Arc;

use highwater_scenarios::plan::LoadModel;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use super::dispatch::{dispatch, drop_message};
use crate::worker::{context::Context, links::Completion};

/// Hands each of this worker's messages of load number `load` to a socket until the drain.
pub async fn run(context: &Context, load: usize) {
    let message_load = &context.plan.messages[load];
    let LoadModel::Open { max_in_flight, .. } = message_load.model else {
        return;
    };
    // The workers that hold devices of the pool share the arrivals.
    let Some(segment) = message_load.segment_of(context.segment) else {
        return;
    };
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    // At least one, or a worker with a small share would drop all its messages.
    let limit = segment.share_of(max_in_flight).max(1) as usize;
    let in_flight = Arc::new(Semaphore::new(limit));
    let arrivals = message_load.arrivals(segment);
    let mut arrivals = arrivals.map(|due| steady + due).peekable();
    while let Some(due) = arrivals.peek().copied() {
        tokio::select! {
            // The drain first: a message that is due in the same instant is dropped.
            biased;
            () = context.signals.drain.cancelled() => break,
            () = sleep_until(due) => {}
        }
        arrivals.next();
        match in_flight.clone().try_acquire_owned() {
            Ok(permit) => dispatch(context, load, due, Completion::Arrival { permit }),
            Err(_) => drop_message(context, due),
        }
    }
    // An interrupted run drains early. Messages that were due before the drain still count.
    let drain = context.drain_at();
    let is_due = |due: &Instant| drain.is_some_and(|drain| *due < drain);
    for due in arrivals.take_while(is_due) {
        drop_message(context, due);
    }
}
