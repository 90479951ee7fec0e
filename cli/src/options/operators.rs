//! The token of operators.

use std::path::PathBuf;

use clap::Args;
use highwater_server::Secret;

use super::auth::read_secret;
use crate::failure::CliFailure;

#[derive(Debug, Args)]
#[command(next_help_heading = "Operators")]
pub(crate) struct ServeOperators {
    /// Token that /admin, /nodes and /metrics require, 32 bytes or more
    #[arg(long, value_name = "FILE")]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// Token that /admin, /nodes and /metrics require, instead of the file
    #[arg(
        long,
        // Hidden: other users can read a command line, so the option stands for its variable.
        env = "HIGHWATER_ADMIN_TOKEN",
        hide_env_values = true,
        hide = true,
        conflicts_with = "admin_token_file"
    )]
    pub(crate) admin_token: Option<Secret>,
}

impl ServeOperators {
    /// Reads the token. Returns `None` without one.
    pub(crate) fn load(self) -> Result<Option<Secret>, CliFailure> {
        Ok(read_secret(self.admin_token_file)?.or(self.admin_token))
    }
}
