//! The measured sections of a summary, computed over a window of the run.

use super::{
    backplane::{backplane, brokers, cpu_cores},
    balance::balance,
    balancers::balancers,
    commands::commands,
    cost::cost_per_socket,
    heartbeats::heartbeats,
    messages::messages,
    processes::{exits, process_summaries},
    run_window::RunWindow,
    sockets::sockets,
    telemetry::telemetry,
    workers::workers,
};
use crate::{
    record::SourceRole,
    summary::{SUMMARY_SCHEMA, Summary, Verdict},
};

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
