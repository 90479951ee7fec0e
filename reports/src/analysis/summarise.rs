//! The sections of a summary put together.

use super::{
    backplane::{backplane, brokers, processors},
    balance::balance,
    balancers::balancers,
    commands::commands,
    cost::cost_per_socket,
    gates, harness,
    heartbeats::heartbeats,
    ledger,
    messages::messages,
    problems::problems,
    processes::{exits, processes},
    run_window::Cut,
    sockets::sockets,
    source_series::Tracks,
    telemetry::readings,
    verdict::verdict,
    workers::workers,
};
use crate::{
    record::{Role, RunRecord},
    summary::{SUMMARY_SCHEMA, Summary, Verdict},
};

/// What a run showed.
pub fn analyse(record: &RunRecord) -> Summary {
    let tracks = Tracks::new(&record.intervals);
    let cut = Cut::whole(record, &tracks);
    let mut summary = sections(&cut);
    summary.ledger = ledger::ledger(&cut, &summary);
    let harness = harness::examine(&cut, &summary);
    let (outcomes, doubts) = gates::judge(record, &tracks, &summary, &harness);
    summary.verdict = verdict(&outcomes, !harness.reasons.is_empty());
    summary.gates = outcomes;
    let others = problems(&cut, &summary);
    for problem in harness.reasons.into_iter().chain(doubts).chain(others) {
        if !summary.problems.contains(&problem) {
            summary.problems.push(problem);
        }
    }
    summary
}

/// The figures of a cut, before anything is made of them.
pub(crate) fn sections(cut: &Cut) -> Summary {
    let manifest = &cut.record.manifest;
    Summary {
        schema: SUMMARY_SCHEMA,
        scenario: manifest.plan.name.clone(),
        verdict: Verdict::Passed,
        ended: cut.record.ended(),
        seed: manifest.plan.seed,
        started_at: manifest.started_at,
        duration_s: cut.record.phases.end,
        sockets: sockets(cut),
        heartbeats: heartbeats(cut),
        commands: commands(cut),
        messages: messages(cut),
        readings: readings(cut),
        nodes: processes(cut, Role::Node),
        broker: brokers(cut),
        consumers: processes(cut, Role::Consumer),
        balancer: balancers(cut),
        workers: workers(cut),
        backplane: backplane(cut),
        processors: processors(cut),
        exits: exits(cut),
        balance: balance(cut),
        cost_per_socket: cost_per_socket(cut),
        ledger: Vec::new(),
        gates: Vec::new(),
        problems: Vec::new(),
    }
}
