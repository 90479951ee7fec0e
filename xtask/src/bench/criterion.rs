//! The benches of the crates.

use anyhow::Result;

use crate::steps::{cargo, step};

/// Runs all benches, or those whose name contains `filter`.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    let mut bench = cargo("bench --workspace --locked --benches");
    if let Some(filter) = filter {
        bench.args(["--", filter]);
    }
    step("benches", &mut bench)
}
