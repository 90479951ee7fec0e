//! The secret by which the processes of a cluster know each other.

use std::{env, os::unix::ffi::OsStrExt, path::PathBuf};

use clap::Args;
use highwater_server::ClusterSecret;

use crate::{exit::Exit, failure::CliFailure};

/// The environment variable that holds the secret, instead of the file.
const SECRET_ENV: &str = "HIGHWATER_CLUSTER_SECRET";

/// The hint for a secret that is missing or unusable.
pub(crate) const SECRET_HINT: &str = "`head -c 32 /dev/urandom | base64 > FILE` makes one; \
     give every process of the cluster --cluster-secret-file FILE";

#[derive(Debug, Args)]
pub(crate) struct ClusterSecretArgs {
    /// Secret of the cluster, 16 bytes or more; equal at its broker, nodes, gateways
    /// and consumers. HIGHWATER_CLUSTER_SECRET may hold it instead
    #[arg(long, value_name = "FILE")]
    pub(crate) cluster_secret_file: Option<PathBuf>,
}

impl ClusterSecretArgs {
    /// Reads the secret.
    pub(crate) fn load(&self) -> Result<Option<ClusterSecret>, CliFailure> {
        let secret = match &self.cluster_secret_file {
            Some(path) => ClusterSecret::from_file(path).map(Some),
            // Read here and not by clap, whose errors would quote it.
            None => env::var_os(SECRET_ENV)
                .map(|secret| ClusterSecret::from_bytes(secret.as_bytes()))
                .transpose(),
        };
        secret.map_err(|error| CliFailure::new(Exit::Usage, error).with_hint(Some(SECRET_HINT)))
    }

    /// Reads the secret of a process. `needed_at` is the address of a broker that it cannot
    /// join without a secret, if there is one.
    pub(crate) fn load_for(
        &self,
        needed_at: Option<String>,
    ) -> Result<Option<ClusterSecret>, CliFailure> {
        let secret = self.load()?;
        match needed_at.filter(|_| secret.is_none()) {
            None => Ok(secret),
            Some(url) => {
                let error = anyhow::anyhow!("cannot join through {url} without a cluster secret");
                Err(CliFailure::new(Exit::Usage, error).with_hint(Some(SECRET_HINT)))
            }
        }
    }
}
