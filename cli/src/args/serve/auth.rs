//! Tokens and sessions of a node.

use std::path::PathBuf;

use clap::Args;
use highwater_server::{
    Secret,
    auth::{Lifetime, StoreUrl},
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Tokens and sessions")]
pub(crate) struct ServeAuth {
    /// Refuse sockets, commands and publishes without a token
    #[arg(long)]
    pub(crate) auth: bool,
    /// What tokens are signed with, 32 bytes or more; the same on every node
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_secret_file: Option<PathBuf>,
    /// The same, where there is no file
    #[arg(
        long,
        env = "HIGHWATER_AUTH_SECRET",
        hide_env_values = true,
        hide = true,
        conflicts_with = "auth_secret_file"
    )]
    pub(crate) auth_secret: Option<Secret>,
    /// What POST /sessions must be called with, 32 bytes or more
    #[arg(long, value_name = "FILE")]
    pub(crate) login_secret_file: Option<PathBuf>,
    /// The same, where there is no file
    #[arg(
        long,
        env = "HIGHWATER_LOGIN_SECRET",
        hide_env_values = true,
        hide = true,
        conflicts_with = "login_secret_file"
    )]
    pub(crate) login_secret: Option<Secret>,
    /// Where session data lies: memory, or redis://HOST:PORT for all nodes
    #[arg(long, value_name = "URL", default_value = "memory")]
    pub(crate) session_store: StoreUrl,
    /// How long a session and its token last, 1s to 30d
    #[arg(long, value_name = "TIME", default_value_t)]
    pub(crate) session_lifetime: Lifetime,
}
