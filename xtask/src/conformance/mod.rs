//! `cargo xtask conformance`: both ends of a device socket against the Autobahn
//! test suite, sections 1 to 7 and 10. See docs/conformance.md.
//!
//! - [`suite`]: the suite, installed below `target/`;
//! - [`server`]: its client against a node's echo endpoint;
//! - [`client`]: its server against the harness's device socket;
//! - [`results`]: what it found, as a table and a verdict.

mod client;
mod results;
mod server;
mod suite;

use std::path::Path;

use anyhow::{Result, bail};

use self::suite::AutobahnSuite;

/// The folder of all results.
const FOLDER: &str = "target/conformance";
/// Sections of the suite. 9 is about speed, 12 and 13 about compression, which
/// neither end offers.
const CASES: [&str; 8] = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];

/// Runs the suite against both ends, shows the results, and fails if a case failed.
pub(crate) fn run() -> Result<()> {
    let folder = std::path::absolute(Path::new(FOLDER))?;
    let suite = AutobahnSuite::install(&folder)?;
    // Both run before the verdict, so that one failure does not hide the other's.
    let ends = [server::run(&suite, &folder)?, client::run(&suite, &folder)?];
    for results in &ends {
        eprintln!("{results}");
    }
    let failed: usize = ends.iter().map(results::SuiteResults::failures).sum();
    if failed > 0 {
        bail!("{failed} cases failed");
    }
    Ok(())
}
