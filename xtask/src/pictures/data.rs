//! A picture that pandas draws from an export.

use std::{path::Path, process::Command};

use anyhow::Result;
use highwater_services::python;

use crate::steps::step;

/// The script with the lines that `docs/export.md` shows.
const SCRIPT: &str = "xtask/export/picture.py";

/// Exports a run and lets pandas draw it.
pub(super) fn picture(run: &Path, to: &Path) -> Result<()> {
    let tables = run.join("export/csv");
    let mut export = Command::new("target/release/highwater");
    export.args(["export", "--format", "csv", "--output"]);
    step("export", export.arg(&tables).arg(run))?;
    let mut pandas = Command::new(python::DATA_TOOLS.interpreter()?);
    pandas.arg(SCRIPT).arg(tables.join("samples.csv"));
    step("pandas", pandas.arg(to))
}
