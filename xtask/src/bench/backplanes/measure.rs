//! All runs of one backplane.

use std::{ops::Range, time::Duration};

use anyhow::{Context, Result};
use highwater_services::Service;

use super::{
    row::{Figures, Outage, Row},
    systems,
};
use crate::bench::{
    harness_run::{Bench, FinishedRun, Run, Summary},
    system::System,
};

/// The scenarios of the comparison.
const SCENARIOS: &str = "xtask/backplanes";
/// The length of the steady phase in `commands.toml`, `deliveries.toml` and `idle.toml`.
const STEADY: Duration = Duration::from_secs(30);
/// The part of it over which the CPU time of an external broker is taken.
const CPU_WINDOW: Range<Duration> = Duration::from_secs(2)..Duration::from_secs(27);
/// The nodes of `idle.toml`.
const IDLE_NODES: f64 = 2.0;
/// The instants at which an external broker is killed and started again, as the events of
/// `broker-kill.toml` do with the embedded one.
const KILL_AT: Duration = Duration::from_secs(10);
const RESTART_AT: Duration = Duration::from_secs(15);

/// Measures a backplane. Its failure is the row's outcome.
pub(super) fn row(bench: &Bench, system: &System) -> Row {
    let outcome = measure(bench, system).map_err(|error| format!("failed: {error:#}"));
    if let Err(reason) = &outcome {
        eprintln!("   {reason}");
    }
    Row {
        name: system.name,
        outcome,
    }
}

fn measure(bench: &Bench, system: &System) -> Result<Figures> {
    let mut service = system.start()?;
    let mut figures = Figures::default();
    measure_commands(bench, service.as_ref(), &mut figures)?;
    measure_deliveries(bench, service.as_ref(), &mut figures)?;
    figures.idle_requests_per_hour = idle_requests(bench, service.as_ref())?;
    let node_kill = start(bench, "node-kill", service.as_ref(), &[])?.finish()?;
    figures.node_kill = outage(&node_kill.summary);
    // Last: the broker may have lost its memory afterwards.
    figures.broker_kill = outage(&kill_broker(bench, service.as_mut())?.summary);
    Ok(figures)
}

/// Starts a scenario over a backplane, and waits for its steady phase.
fn start<'b>(
    bench: &'b Bench,
    scenario: &str,
    backplane: Option<&Service>,
    settings: &[&str],
) -> Result<Run<'b>> {
    let mut all = systems::settings(backplane);
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    Run::start(bench, &format!("{SCENARIOS}/{scenario}.toml"), &all)
        .with_context(|| format!("over {}", backplane.map_or("embedded", Service::name)))
}

fn measure_commands(bench: &Bench, service: Option<&Service>, figures: &mut Figures) -> Result<()> {
    let run = start(bench, "commands", service, &[])?;
    let external_cores = match service {
        Some(service) => run.broker_cores(service, CPU_WINDOW)?,
        None => None,
    };
    let summary = run.finish()?.summary;
    let commands = summary.commands.context("the summary has no commands")?;
    if let Some(latency) = commands.cross_node_ms {
        figures.command_p50_ms = latency.p50;
        figures.command_p99_ms = latency.p99;
    }
    // Without a command nothing costs anything for each.
    let us_per_command = |cores: f64| {
        let us = cores * STEADY.as_micros() as f64;
        (commands.issued > 0).then(|| us / commands.issued as f64)
    };
    figures.node_us_per_command = summary.cpu_cores.nodes.and_then(us_per_command);
    // The run measures one process of an external broker, and a cluster has several.
    let broker_cores = match service {
        Some(_) => external_cores,
        None => summary.cpu_cores.broker,
    };
    figures.broker_us_per_command = broker_cores.and_then(us_per_command);
    let backplane = summary.backplane;
    figures.usd_per_million_commands =
        backplane.and_then(|all| all.estimated_usd_per_million_commands);
    Ok(())
}

fn measure_deliveries(
    bench: &Bench,
    service: Option<&Service>,
    figures: &mut Figures,
) -> Result<()> {
    let summary = start(bench, "deliveries", service, &[])?.finish()?.summary;
    let messages = summary.messages.context("the summary has no messages")?;
    // Nothing due means that no message was accepted, so nothing was measured.
    if messages.due > 0 {
        let per_s = messages.delivered as f64 / STEADY.as_secs_f64();
        figures.deliveries_per_s = Some(per_s);
    }
    figures.delivery_p99_ms = messages.latency_ms.and_then(|latency| latency.p99);
    Ok(())
}

fn idle_requests(bench: &Bench, service: Option<&Service>) -> Result<Option<f64>> {
    let summary = start(bench, "idle", service, &[])?.finish()?.summary;
    let broker = summary.brokers.first();
    let per_s = broker.and_then(|broker| broker.messages_in_per_s);
    // A provider's service has no count of its own, and the nodes count what it bills.
    let billed = summary
        .backplane
        .and_then(|all| all.billed_per_idle_node_hour);
    Ok(per_s.map(|per_s| per_s * 3600.0 / IDLE_NODES).or(billed))
}

/// Kills the broker under commands, and starts it again.
fn kill_broker(bench: &Bench, service: Option<&mut Service>) -> Result<FinishedRun> {
    let Some(service) = service else {
        return start(bench, "broker-kill", None, &[])?.finish();
    };
    let run = start(bench, "broker-kill", Some(service), &["events=[]"])?;
    run.wait_until(KILL_AT)?;
    service.kill();
    run.wait_until(RESTART_AT)?;
    service.restart()?;
    run.finish()
}

fn outage(summary: &Summary) -> Option<Outage> {
    let commands = summary.commands.as_ref()?;
    Some(Outage {
        unreplied: commands.issued.saturating_sub(commands.replied),
        issued: commands.issued,
        dropped_sockets: summary.sockets.dropped,
    })
}
