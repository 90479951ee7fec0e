//! The sections of a summary put together.

use super::{
    backplane::{backplane, brokers, cpu_cores},
    balance::balance,
    balancers::balancers,
    commands::commands,
    cost::cost_per_socket,
    gates, harness,
    heartbeats::heartbeats,
    ledger,
    messages::messages,
    problems::problems,
    processes::{exits, process_summaries},
    run_window::RunWindow,
    sockets::sockets,
    source_series::RecordSeries,
    telemetry::telemetry,
    verdict::verdict,
    workers::workers,
};
use crate::{
    record::{RunRecord, SourceRole},
    summary::{SUMMARY_SCHEMA, Summary, Verdict},
};

/// What a run showed.
pub fn analyse(record: &RunRecord) -> Summary {
    let tracks = RecordSeries::new(&record.intervals);
    let cut = RunWindow::whole_run(record, &tracks);
    let mut summary = sections(&cut);
    summary.ledger = ledger::ledger(&cut, &summary);
    let harness = harness::assess_harness(&cut, &summary);
    let (outcomes, doubts) = gates::evaluate_gates(record, &tracks, &summary, &harness);
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
pub(crate) fn sections(cut: &RunWindow) -> Summary {
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
        telemetry: telemetry(cut),
        nodes: process_summaries(cut, SourceRole::Node),
        brokers: brokers(cut),
        consumers: process_summaries(cut, SourceRole::Consumer),
        balancers: balancers(cut),
        workers: workers(cut),
        backplane: backplane(cut),
        cpu_cores: cpu_cores(cut),
        exits: exits(cut),
        balance: balance(cut),
        cost_per_socket: cost_per_socket(cut),
        ledger: Vec::new(),
        gates: Vec::new(),
        problems: Vec::new(),
    }
}
