//! The open model: arrivals on a fixed schedule, whether or not earlier
//! commands were answered.

use std::sync::Arc;

use highwater_scenarios::plan::LoadModel;
use reqwest::Client;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::call::issue_command;
use crate::worker::{
    context::Context,
    recorder::{Count, Timing},
};

/// Sends this worker's share of the arrivals of command load `number` until
/// the drain, then waits for the outcomes of those in flight.
pub async fn dispatch_arrivals(context: Arc<Context>, client: Client, number: usize) {
    let load = &context.plan.commands[number];
    let LoadModel::Open { max_in_flight, .. } = load.model else {
        return;
    };
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let most = context.segment.share_of(max_in_flight).max(1) as usize;
    let mut in_flight = JoinSet::new();
    let arrivals = context.segment.arrivals(&load.model, context.plan.duration);
    let mut arrivals = arrivals.map(|arrival| steady + arrival).peekable();
    while let Some(due) = arrivals.peek().copied() {
        tokio::select! {
            biased;
            () = context.signals.drain.cancelled() => break,
            () = sleep_until(due) => {}
        }
        arrivals.next();
        while in_flight.try_join_next().is_some() {}
        if in_flight.len() >= most {
            drop_arrival(&context, due);
            continue;
        }
        let (context, client) = (context.clone(), client.clone());
        in_flight.spawn(async move {
            issue_command(&context, &client, &context.plan.commands[number], due).await;
        });
    }
    // Those whose time came before the drain, and whose turn did not.
    let drain = context.drain_at();
    let is_due = |due: &Instant| drain.is_some_and(|drain| *due < drain);
    for due in arrivals.take_while(is_due) {
        drop_arrival(&context, due);
    }
    while in_flight.join_next().await.is_some() {}
}

/// An arrival that found too many commands in flight, or the drain: due, and not issued.
fn drop_arrival(context: &Context, due: Instant) {
    context.recorder.count(Count::CommandsDue);
    context.recorder.count(Count::CommandsDropped);
    context.recorder.time(Timing::SendLag, due.elapsed());
}
