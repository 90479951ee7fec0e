//! Tokens and sessions of a node.

use std::path::PathBuf;

use clap::Args;
use highwater_server::{
    AuthConfig, Secret,
    auth::{Lifetime, StoreUrl},
    tls::BrokerCa,
};

use crate::{exit::Exit, failure::CliFailure};

#[derive(Debug, Args)]
#[command(next_help_heading = "Tokens and sessions")]
pub(crate) struct ServeAuth {
    /// Refuse sockets, commands and publishes without a token
    #[arg(long)]
    pub(crate) auth: bool,
    /// Secret that signs tokens, 32 bytes or more; equal on every node
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_secret_file: Option<PathBuf>,
    /// Secret that signs tokens, instead of the file
    #[arg(
        long,
        // The option is hidden and stands for its variable: other users can read a command
        // line.
        env = "HIGHWATER_AUTH_SECRET",
        hide_env_values = true,
        hide = true,
        conflicts_with = "auth_secret_file"
    )]
    pub(crate) auth_secret: Option<Secret>,
    /// Secret before that one, whose tokens are still accepted
    #[arg(long, value_name = "FILE")]
    pub(crate) auth_previous_secret_file: Option<PathBuf>,
    /// Secret before that one, instead of the file
    #[arg(
        long,
        env = "HIGHWATER_AUTH_PREVIOUS_SECRET",
        hide_env_values = true,
        hide = true,
        conflicts_with = "auth_previous_secret_file"
    )]
    pub(crate) auth_previous_secret: Option<Secret>,
    /// Accept a token with `aud` only if this name is in it [default: accept none with it]
    #[arg(long, value_name = "NAME")]
    pub(crate) auth_audience: Option<String>,
    /// Secret that POST /sessions requires, 32 bytes or more
    #[arg(long, value_name = "FILE")]
    pub(crate) login_secret_file: Option<PathBuf>,
    /// Secret that POST /sessions requires, instead of the file
    #[arg(
        long,
        env = "HIGHWATER_LOGIN_SECRET",
        hide_env_values = true,
        hide = true,
        conflicts_with = "login_secret_file"
    )]
    pub(crate) login_secret: Option<Secret>,
    /// Session store: memory, or redis://HOST:PORT shared by all nodes
    #[arg(long, value_name = "URL", default_value = "memory")]
    pub(crate) session_store: StoreUrl,
    /// Lifetime of a session and its token, 1s to 30d
    #[arg(long, value_name = "TIME", default_value_t)]
    pub(crate) session_lifetime: Lifetime,
}

impl ServeAuth {
    /// Reads the secrets. `ca` holds for the session store. Returns `None` for a node without tokens.
    pub(crate) fn load(self, ca: Option<&BrokerCa>) -> Result<Option<AuthConfig>, CliFailure> {
        let secret = read_secret(self.auth_secret_file)?.or(self.auth_secret);
        let previous = read_secret(self.auth_previous_secret_file)?.or(self.auth_previous_secret);
        let login = read_secret(self.login_secret_file)?.or(self.login_secret);
        match secret {
            Some(secret) => Ok(Some(AuthConfig {
                secret,
                previous_secret: previous,
                audience: self.auth_audience,
                required: self.auth,
                login_secret: login,
                lifetime: self.session_lifetime,
                store: match ca {
                    Some(ca) => self.session_store.with_ca(ca),
                    None => self.session_store,
                },
            })),
            // A login would have to issue a token that nothing signs.
            None if self.auth || login.is_some() || previous.is_some() => {
                let error = anyhow::anyhow!("cannot sign tokens: a secret is missing");
                let hint = "name the secret's file with --auth-secret-file";
                Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)))
            }
            None => Ok(None),
        }
    }
}

/// Reads the file of a secret, if there is one.
pub(super) fn read_secret(file: Option<PathBuf>) -> Result<Option<Secret>, CliFailure> {
    let secret = file.map(|path| Secret::from_file(&path)).transpose();
    secret.map_err(|error| {
        let hint = "`head -c 32 /dev/urandom | base64 > FILE` makes one";
        CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
    })
}
