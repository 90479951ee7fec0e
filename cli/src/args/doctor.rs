//! `highwater doctor`: the limits of this machine.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater doctor
      The most sockets this machine can open, and which setting to change.
  highwater doctor scenarios/idle-10k.toml
  highwater doctor scenarios/idle-10k.toml --set devices.home.count=100000
      Whether a scenario fits, how many workers it takes, and why.

Nothing is started or changed. The exit code is 0 where the scenario fits, 5
where it does not, 2 where it is invalid. `run` does the same check first.")]
pub(crate) struct DoctorArgs {
    /// Judge this scenario instead (TOML)
    pub(crate) scenario: Option<PathBuf>,
    /// Change a value of the scenario; may be repeated
    ///
    /// The form is that of `highwater run --set`.
    #[arg(long, value_name = "PATH=VALUE", requires = "scenario")]
    pub(crate) set: Vec<String>,
}
