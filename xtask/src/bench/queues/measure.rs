//! All runs of one queue.

use std::{ops::Range, time::Duration};

use anyhow::{Context, Result, ensure};
use highwater_services::Service;

use super::{
    handled,
    record::TelemetryRecord,
    row::{BrokerKill, ConsumerKill, Figures, Row, Steady, Throughput},
    systems,
};
use crate::bench::{
    harness_run::{Bench, FinishedRun, Run, Telemetry},
    system::System,
};

/// The scenarios of the comparison.
const SCENARIOS: &str = "xtask/queues";
/// The length of the steady phase in `steady.toml`.
const STEADY: Duration = Duration::from_secs(20);
/// The part of it over which the CPU time of an external broker is taken.
const CPU_WINDOW: Range<Duration> = Duration::from_secs(2)..Duration::from_secs(18);
/// The length of the steady phase in `throughput.toml`.
const THROUGHPUT: Duration = Duration::from_secs(15);
/// The part of it in which handled records are counted: consumers begin with an empty queue.
const HANDLED_WINDOW: Range<Duration> = Duration::from_secs(5)..THROUGHPUT;
/// The records due per second in `consumer-kill.toml`.
const CONSUMER_KILL_RATE: f64 = 500.0;
/// The instants at which its consumer dies and joins again, and the end of its steady phase.
const CONSUMER_KILL_AT: Duration = Duration::from_secs(6);
const JOIN_AT: Duration = Duration::from_secs(18);
const CONSUMER_KILL_END: Duration = Duration::from_secs(30);
/// The time before a consumer's death in which records may have become due that it holds.
const BEFORE_KILL: Duration = Duration::from_secs(1);
/// The instants at which an external broker is killed and started again, as the events of
/// `broker-kill.toml` do with the embedded one.
const KILL_AT: Duration = Duration::from_secs(10);
const RESTART_AT: Duration = Duration::from_secs(15);

/// Measures a queue. Its failures are in the row.
///
/// # Errors
/// A message for an interrupt.
pub(super) fn row(bench: &Bench, system: &System) -> Result<Row> {
    let mut row = Row {
        name: system.name,
        figures: None,
        problems: Vec::new(),
    };
    let service = system.start().context("cannot start its broker");
    if let Some(mut service) = row.keep(service) {
        measure(bench, service.as_mut(), &mut row)?;
    }
    Ok(row)
}

/// Runs all scenarios. One that fails leaves its figures out.
fn measure(bench: &Bench, queue: Option<&mut Service>, row: &mut Row) -> Result<()> {
    let steady = row.keep(steady(bench, queue.as_deref()));
    bench.interrupt.check()?;
    if steady.is_none() {
        // The other runs would fail in the same way.
        return Ok(());
    }
    let throughput = row.keep(throughput(bench, queue.as_deref()));
    bench.interrupt.check()?;
    let consumer_kill = row.keep(consumer_kill(bench, queue.as_deref()));
    bench.interrupt.check()?;
    // Last: the broker may have lost its memory afterwards.
    let broker_kill = row.keep(broker_kill(bench, queue));
    bench.interrupt.check()?;
    row.figures = Some(Figures {
        steady,
        throughput,
        consumer_kill,
        broker_kill,
    });
    Ok(())
}

/// Starts a scenario over a queue, and waits for its steady phase.
fn start<'b>(
    bench: &'b Bench,
    scenario: &str,
    queue: Option<&Service>,
    settings: &[&str],
) -> Result<Run<'b>> {
    let mut all = systems::settings(queue);
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    Run::start(bench, &format!("{SCENARIOS}/{scenario}.toml"), &all)
}

fn steady(bench: &Bench, queue: Option<&Service>) -> Result<Steady> {
    let run = start(bench, "steady", queue, &[])?;
    let external_cores = match queue {
        Some(service) => run.broker_cores(service, CPU_WINDOW)?,
        None => None,
    };
    let run = run.finish()?;
    let record = TelemetryRecord::read(&run.record())?;
    let telemetry = telemetry(&run)?;
    // Without a record nothing costs anything for each.
    ensure!(record.accepted > 0, "no telemetry record was accepted");
    let accepted_per_s = record.accepted as f64 / STEADY.as_secs_f64();
    // A core is a thousand milliseconds a second, and the cost is that of a thousand records.
    let ms_per_thousand = |cores: f64| cores * 1e3 / (accepted_per_s / 1e3);
    let cores = &run.summary.cpu_cores;
    let broker_cores = match queue {
        // The run measures one process of an external broker, which may have several.
        Some(_) => external_cores,
        None => cores.broker,
    };
    let latency = telemetry.latency_ms.as_ref();
    Ok(Steady {
        latency_p50_ms: latency.and_then(|latency| latency.p50),
        latency_p99_ms: latency.and_then(|latency| latency.p99),
        nodes_ms_per_thousand: cores.nodes.map(ms_per_thousand),
        broker_ms_per_thousand: broker_cores.map(ms_per_thousand),
        consumers_ms_per_thousand: cores.consumers.map(ms_per_thousand),
        out_of_order: handled::out_of_order(&record.handled),
        duplicated: telemetry.duplicated,
    })
}

fn throughput(bench: &Bench, queue: Option<&Service>) -> Result<Throughput> {
    let run = start(bench, "throughput", queue, &[])?.finish()?;
    let record = TelemetryRecord::read(&run.record())?;
    let window = record.steady + HANDLED_WINDOW.start..record.steady + HANDLED_WINDOW.end;
    let handled = handled::count(&record.handled, &window);
    let window_s = (window.end - window.start).as_secs_f64();
    Ok(Throughput {
        accepted_per_s: record.accepted as f64 / THROUGHPUT.as_secs_f64(),
        handled_per_s: handled as f64 / window_s,
    })
}

fn consumer_kill(bench: &Bench, queue: Option<&Service>) -> Result<ConsumerKill> {
    let run = start(bench, "consumer-kill", queue, &[])?.finish()?;
    let record = TelemetryRecord::read(&run.record())?;
    let telemetry = telemetry(&run)?;
    let at = |instant: Duration| record.steady + instant;
    let due = |number: u64| at(Duration::from_secs_f64(number as f64 / CONSUMER_KILL_RATE));
    let affected = at(CONSUMER_KILL_AT - BEFORE_KILL)..at(JOIN_AT);
    let join = at(JOIN_AT)..at(CONSUMER_KILL_END);
    let longest = handled::longest_wait(&record.handled, &affected, due);
    Ok(ConsumerKill {
        // The wait of a record that was never handled has no end.
        longest_wait: longest.filter(|_| telemetry.lost == Some(0)),
        redelivered: telemetry.redelivered,
        duplicated: telemetry.duplicated,
        lost: telemetry.lost,
        join_pause: handled::longest_pause(&record.handled, join),
    })
}

/// Kills the broker under telemetry, and starts it again.
fn broker_kill(bench: &Bench, queue: Option<&mut Service>) -> Result<BrokerKill> {
    let run = match queue {
        None => start(bench, "broker-kill", None, &[])?.finish()?,
        Some(service) => {
            let run = start(bench, "broker-kill", Some(service), &["events=[]"])?;
            run.wait_until(KILL_AT)?;
            service.kill();
            run.wait_until(RESTART_AT)?;
            service.restart()?;
            run.finish()?
        }
    };
    let telemetry = telemetry(&run)?;
    let longest = telemetry.response_ms.max.map(|ms| ms / 1e3);
    let longest = longest.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let unaccepted = telemetry.due.saturating_sub(telemetry.accepted);
    Ok(BrokerKill {
        // A record that was due when the broker died waits for its return. If none did, the queue
        // accepted nothing in the steady phase any more.
        longest_acceptance: longest
            .filter(|longest| *longest > (RESTART_AT - KILL_AT) / 2)
            .filter(|_| unaccepted == 0),
        unaccepted,
        duplicated: telemetry.duplicated,
        lost: telemetry.lost,
    })
}

fn telemetry(run: &FinishedRun) -> Result<&Telemetry> {
    let telemetry = run.summary.telemetry.as_ref();
    telemetry.context("the summary has no telemetry")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn scenario(name: &str) -> String {
        let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        fs::read_to_string(format!("{workspace}/{SCENARIOS}/{name}.toml")).unwrap()
    }

    #[test]
    fn constants_are_those_of_the_scenarios() {
        let seconds = |time: Duration| format!("\"{}s\"", time.as_secs());
        let has = |name: &str, key: &str, value: &str| {
            let line = format!("\n{key} = {value}\n");
            assert!(scenario(name).contains(&line), "{name}: {line}");
        };
        has("steady", "duration", &seconds(STEADY));
        has("throughput", "duration", &seconds(THROUGHPUT));
        // The rate in the head of the table.
        has("throughput", "rate", "\"20000/s\"");
        has("consumer-kill", "duration", &seconds(CONSUMER_KILL_END));
        let rate = format!("\"{CONSUMER_KILL_RATE}/s\"");
        has("consumer-kill", "rate", &rate);
        has("consumer-kill", "at", &seconds(CONSUMER_KILL_AT));
        has("consumer-kill", "at", &seconds(JOIN_AT));
        has("broker-kill", "at", &seconds(KILL_AT));
        has("broker-kill", "at", &seconds(RESTART_AT));
    }
}
