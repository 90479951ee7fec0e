//! Programs: which are there, and the others.

use anyhow::Result;
use highwater_services::PROGRAMS;

/// Lists the programs and installs those that are missing.
pub(crate) fn run() -> Result<()> {
    for program in PROGRAMS {
        let state = match program.path() {
            Some(_) => "found",
            None => "missing",
        };
        eprintln!(
            "{:16} {state:8} {} (Debian: {})",
            program.name(),
            program.used_for,
            program.package()
        );
    }
    for program in highwater_services::install()? {
        eprintln!("{:16} installed", program.name());
    }
    Ok(())
}
