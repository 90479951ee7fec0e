//! The open model: arrivals on a fixed schedule, whether or not earlier commands were
//! answered.

use std::sync::Arc;

use highwater_scenarios::plan::LoadModel;
use tokio::{task::JoinSet, time::Instant};

use super::call::issue_command;
use crate::worker::{
    arrivals,
    context::Context,
    http_clients::HttpClients,
    recorder::{Count, Timing},
};

/// Starts a task for each of this worker's arrivals of load number `load` until the drain,
/// then waits for the results of the commands in flight.
pub async fn run(context: Arc<Context>, clients: HttpClients, load: usize) {
    let command_load = &context.plan.commands[load];
    let LoadModel::Open { max_in_flight, .. } = command_load.model else {
        return;
    };
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    // Up to the results: a task that has just been spawned does not count itself yet.
    let _user = context.arrival_users.enter();
    // At least one, or a worker with a small share would drop all its arrivals.
    let limit = context.segment.share_of(max_in_flight).max(1) as usize;
    let mut in_flight = JoinSet::new();
    let (segment, model) = (context.segment, &command_load.model);
    let arrivals = segment.arrivals(model, context.plan.duration);
    let arrivals = arrivals.map(|arrival| steady + arrival);
    arrivals::follow(&context, arrivals, |due| {
        // Finished tasks are taken out here, or they would count as in flight.
        while in_flight.try_join_next().is_some() {}
        if in_flight.len() >= limit {
            drop_arrival(&context, due);
            return;
        }
        let (context, clients) = (context.clone(), clients.clone());
        in_flight.spawn(async move {
            issue_command(&context, &clients, load, due).await;
        });
    })
    .await;
    while in_flight.join_next().await.is_some() {}
}

/// Counts an arrival that was due and is not issued.
fn drop_arrival(context: &Context, due: Instant) {
    context.recorder.count(Count::CommandsDue);
    context.recorder.count(Count::CommandsDropped);
    context.recorder.time(Timing::SendLag, due.elapsed());
}
