//! The baseline of a run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use clap::Args;
use highwater_scenarios::Plan;

use crate::{exit::Exit, failure::CliFailure};

/// An earlier run that a run is judged against.
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    /// Judge against this run as well
    ///
    /// The directory of an earlier run. The verdict fails where a metric is
    /// worse than there by more than the noise within the two runs.
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
    /// Accept a baseline of another scenario or system
    #[arg(long, requires = "baseline")]
    pub(crate) anyway: bool,
}

impl BaselineArgs {
    /// Returns the directory of the baseline for a run of `plan`. It is checked before the run
    /// starts, which may take long.
    pub(crate) fn for_plan(&self, plan: &Plan) -> Result<Option<&Path>, CliFailure> {
        let Some(baseline) = self.baseline.as_deref() else {
            return Ok(None);
        };
        let manifest = highwater_reports::record::read_manifest(baseline)?;
        match highwater_reports::baseline_mismatch(plan, &manifest.plan) {
            Some(reason) if !self.anyway => {
                let error = anyhow!("{} is no baseline: {reason}", baseline.display());
                let hint = "name a run of the same scenario and system, or judge all the same \
                            with --anyway";
                Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)))
            }
            _ => Ok(Some(baseline)),
        }
    }

    /// Returns the directory of the baseline for the run in `run`, which is another one.
    pub(crate) fn for_run(&self, run: &Path) -> Result<Option<&Path>, CliFailure> {
        if let Some(baseline) = &self.baseline
            && let (Ok(one), Ok(other)) = (fs::canonicalize(run), fs::canonicalize(baseline))
            && one == other
        {
            let error = anyhow!("cannot judge {} against itself", run.display());
            let hint = "name an earlier run with --baseline";
            return Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)));
        }
        match self.baseline {
            Some(_) => self.for_plan(&highwater_reports::record::read_manifest(run)?.plan),
            None => Ok(None),
        }
    }
}
