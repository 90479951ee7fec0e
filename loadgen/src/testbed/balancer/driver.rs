//! A kind of balancer, and the trait of one balancer.

use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::{BoxFuture, FutureExt, ready};
use highwater_process::Program;
use highwater_scenarios::plan::{BalancerKind, BalancerPolicy};

use super::{
    super::{TestbedError, cluster_process::ClusterProcess, context::ClusterContext},
    backends::{BackendChange, BalancerBackend},
    capacity::BalancerCapacity,
};
use crate::sampling::{GaugeSource, Gauges};

/// The declaration of a kind of balancer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BalancerDriver {
    /// The kind that a scenario names.
    pub(crate) kind: BalancerKind,
    /// The outside program that the kind needs; `None` for this project's own gateway.
    pub(crate) program: Option<Program>,
    /// The resident memory of one forwarded socket, in bytes, for `doctor`.
    ///
    /// Measured as `balancer_rss` in `cost_per_socket` of the summary of
    /// `highwater run scenarios/balance-scale-up.toml --set cluster.balancer=KIND`.
    pub(crate) bytes_per_socket: u64,
    /// Creates a balancer of this name that does not run yet.
    pub(super) create: CreateBalancer,
    /// Reads the gauges in a balancer's report; `None` if it is another text.
    pub(crate) parse_gauges: fn(&str) -> Option<Gauges>,
}

/// A function that creates a balancer of this name.
pub(super) type CreateBalancer =
    fn(&str, BalancerOptions<'_>) -> Result<Box<dyn Balancer>, TestbedError>;

/// The options that all balancers of a cluster share.
#[derive(Debug, Clone, Copy)]
pub(super) struct BalancerOptions<'c> {
    /// The folder of the logs.
    pub(super) log_dir: &'c Path,
    /// The folder in which each balancer has a folder for its files.
    pub(super) folder: &'c Path,
    /// The policy that spreads sockets over nodes.
    pub(super) policy: BalancerPolicy,
    /// The connections that a balancer has to hold.
    pub(super) capacity: BalancerCapacity,
}

/// One balancer.
pub(super) trait Balancer: fmt::Debug + Send + Sync {
    /// The process of the balancer.
    fn process(&self) -> &ClusterProcess;

    /// Starts the balancer in front of these nodes, and waits until it serves.
    fn start<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<(), TestbedError>>;

    /// Replaces the configuration by one with these nodes, and waits until it serves.
    /// Returns the configuration.
    fn reload<'b>(
        &'b self,
        _context: &'b ClusterContext,
        _backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        unsupported(self.process(), "a reload")
    }

    /// Applies one change to the running balancer. Returns the commands that it received.
    fn reconfigure<'b>(
        &'b self,
        _change: &'b BackendChange,
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        unsupported(self.process(), "a command")
    }

    /// Returns the active configuration in full; `None` before the first start.
    fn configuration(&self) -> Option<String>;

    /// Returns the source of the balancer's gauges; `None` before the first start.
    fn gauge_source(&self) -> Option<Arc<dyn GaugeSource>>;
}

impl BalancerOptions<'_> {
    /// Creates the folder of one balancer.
    pub(super) fn create_folder(&self, id: &str) -> Result<PathBuf, TestbedError> {
        let path = self.folder.join(id);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(TestbedError::BalancerFile { path, source }),
        }
    }
}

/// Returns the path of a program. A run installs nothing, so a program that is missing ends
/// the start with a hint.
pub(super) fn find_program(program: Program) -> Result<PathBuf, TestbedError> {
    program.path().ok_or_else(|| TestbedError::ProgramMissing {
        program: program.name,
        hint: format!(
            "install it (Debian: `{}`), or use another balancer with \
             `--set cluster.balancer=gateway`",
            program.install_command()
        ),
    })
}

/// Checks a new configuration with the balancer's program, which does not use it yet.
pub(super) async fn check_configuration(
    process: &ClusterProcess,
    program: Program,
    path: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), TestbedError> {
    let checked = program.check(path, arguments).await;
    checked.map_err(|output| TestbedError::ConfigRejected {
        id: process.id.clone(),
        program: program.name,
        output,
    })
}

/// The scenario's checks allow a kind only the ways to join that it supports, so this error
/// means that they and the driver disagree.
fn unsupported<'b>(
    process: &ClusterProcess,
    command: &str,
) -> BoxFuture<'b, Result<String, TestbedError>> {
    ready(Err(TestbedError::ChangeRejected {
        id: process.id.clone(),
        command: command.to_owned(),
        response: "not supported by this kind of balancer".to_owned(),
    }))
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_is_named_with_its_package() {
        let missing = Program {
            name: "highwater-no-such-balancer",
            package: "some-package",
        };
        let error = find_program(missing).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot find the program highwater-no-such-balancer on this machine"
        );
        assert!(
            matches!(&error, TestbedError::ProgramMissing { hint, .. } if hint.contains("some-package"))
        );
    }
}
