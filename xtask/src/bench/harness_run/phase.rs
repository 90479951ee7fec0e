//! The instant at which the steady phase of a run began.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::bench::{interrupt::Interrupt, process::ToolProcess};

/// The longest time from the start of a run to its steady phase.
const STEADY_TIMEOUT: Duration = Duration::from_secs(120);
/// The time between two looks at the record.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The event of the record that begins the steady phase.
const STEADY: &str = r#""phase":"steady""#;

/// Waits until the record announces the steady phase.
///
/// # Errors
/// A message if the run ends before, or if it takes too long.
pub(super) fn wait_for_steady(
    record: &Path,
    process: &mut ToolProcess,
    interrupt: &Interrupt,
) -> Result<Instant> {
    let events = record.join("events.jsonl");
    let deadline = Instant::now() + STEADY_TIMEOUT;
    loop {
        // The file is missing until the run has begun.
        if fs::read_to_string(&events).is_ok_and(|events| events.contains(STEADY)) {
            return Ok(Instant::now());
        }
        process.check()?;
        if Instant::now() > deadline {
            bail!("the run has no steady phase after {STEADY_TIMEOUT:?}");
        }
        interrupt.sleep_until(Instant::now() + POLL_INTERVAL)?;
    }
}
