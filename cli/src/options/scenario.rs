//! The scenario of a command.

use std::{fs, path::PathBuf};

use clap::Args;
use highwater_scenarios::Matrix;

use crate::{
    failure::CliFailure,
    paint::{ACTIVE, WARNING},
    stderr,
};

/// A scenario and what is changed in it.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// The scenario file (TOML)
    pub(crate) scenario: PathBuf,
    /// Change a value of the scenario; may be repeated
    ///
    /// PATH is the key's place in the file; pools, commands, events and gates
    /// go by their names: devices.home.count=10000, gates.p99.check=...,
    /// duration=30s. Text needs no quotes.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
}

impl ScenarioArgs {
    /// Returns the plans of the scenario, and warns about secrets that are written into it.
    /// The failure holds every problem of the file.
    pub(crate) fn load_matrix(&self) -> Result<Matrix, CliFailure> {
        let matrix = highwater_scenarios::load_matrix(&self.scenario, &self.set)
            .map_err(|error| CliFailure::scenario(&self.scenario, error))?;
        let secrets = matrix.first().plan.literal_secrets();
        if !secrets.is_empty() {
            stderr::print_line(&literal_secret_warning(&secrets));
        }
        Ok(matrix)
    }

    /// Returns the text of the scenario with the keys of its preset.
    pub(crate) fn load_expanded(&self) -> Result<String, CliFailure> {
        highwater_scenarios::load_expanded(&self.scenario, &self.set)
            .map_err(|error| CliFailure::scenario(&self.scenario, error))
    }

    /// Reads the scenario file once for all runs, so that an edit in the meantime does not
    /// change what later records hold.
    pub(crate) fn read_text(&self) -> Result<String, CliFailure> {
        fs::read_to_string(&self.scenario)
            .map_err(|error| CliFailure::path("read the scenario", &self.scenario, error))
    }
}

fn literal_secret_warning(secrets: &[String]) -> String {
    let (verb, places) = match secrets {
        [_] => ("is", "its place"),
        _ => ("are", "their places"),
    };
    format!(
        "{} {} {verb} written into the scenario; records show *** in {places}\n  = {} write \
         ${{NAME}}, and set NAME in the environment",
        WARNING.apply_to("warning:"),
        secrets.join(" and "),
        ACTIVE.apply_to("hint:"),
    )
}
