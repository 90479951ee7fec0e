//! The open model: messages on a fixed schedule, whether or not earlier ones were answered.

use std::sync::Arc;

use highwater_scenarios::plan::LoadModel;
use tokio::sync::Semaphore;

use super::dispatch::{dispatch, drop_message};
use crate::worker::{arrivals, context::Context, links::Completion};

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
    let _user = context.arrival_users.enter();
    // At least one, or a worker with a small share would drop all its messages.
    let limit = segment.share_of(max_in_flight).max(1) as usize;
    let in_flight = Arc::new(Semaphore::new(limit));
    let arrivals = message_load.arrivals(segment).map(|due| steady + due);
    arrivals::follow(context, arrivals, |due| {
        match in_flight.clone().try_acquire_owned() {
            Ok(permit) => dispatch(context, load, due, Completion::Arrival { permit }),
            Err(_) => drop_message(context, due),
        }
    })
    .await;
}
