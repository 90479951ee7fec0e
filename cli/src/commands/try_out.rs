//! `highwater try`.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use clap::Args;
use highwater_loadgen::single_device::{SingleDevice, run_single_device};
use highwater_types::format;

use super::single_run::listen_for_interrupt;
use crate::{
    device_log::{DeviceLog, Secrets},
    exit::Exit,
    failure::CliFailure,
    options::{ScenarioArgs, time::parse_duration_within},
    output::{print, print_painted},
    runtime::runtime,
};

/// The time for which a person watches one socket.
const LENGTHS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater try chat.toml
      One socket for 30 seconds: each frame, and the rule that it matched.
  highwater try chat.toml --pool phone --device 17 --for 2m

Arrows show the direction: -> is sent, <- is received. Values of the
environment and credentials in header fields are shown as ***.
The exit code is 0 if the socket opened and every expected answer came, 3 if
an answer is missing or the socket was lost, 5 if it did not open.")]
pub(crate) struct TryArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Pool of the device [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) pool: Option<String>,
    /// Number of the device in its pool, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) device: u64,
    /// Time until the socket closes, 1s to 1h
    #[arg(long = "for", value_name = "TIME", default_value = "30s")]
    #[arg(value_parser = parse_duration_within(LENGTHS))]
    pub(crate) length: Duration,
}

/// Opens one socket and prints everything that it sends and receives.
pub(crate) fn execute(args: TryArgs) -> Result<Exit, CliFailure> {
    let plan = args.scenario.load_matrix()?.into_first();
    let single = SingleDevice::choose(plan, args.pool.as_deref(), args.device, args.length)
        .map_err(|error| CliFailure::new(Exit::Usage, error))?;
    let secrets = Secrets::of(single.plan(), |name| std::env::var(name).ok());
    let length = format::duration(args.length);
    print(&format!("device {}, for {length}\n", single.id()))?;
    let log = Arc::new(DeviceLog::new(secrets));
    let interrupt = listen_for_interrupt()?;
    let running = run_single_device(single, log.clone(), interrupt.token());
    let counters = runtime()?.block_on(running)?;
    let result = log.result(&counters);
    print_painted("");
    print(&result.lines.join("\n"))?;
    Ok(result.exit)
}
