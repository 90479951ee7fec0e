//! A balancer that is another project's program with a configuration file.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use highwater_process::{Launch, Program};
use highwater_scenarios::plan::BalancerPolicy;

use super::{
    super::{TestbedError, cluster_process::ClusterProcess},
    capacity::BalancerCapacity,
    driver::BalancerOptions,
};

/// The program, the process and the configuration file of one balancer.
#[derive(Debug)]
pub(super) struct BalancerProgram {
    /// The process.
    pub(super) process: ClusterProcess,
    /// The folder of the balancer's files.
    pub(super) folder: PathBuf,
    /// The configuration file.
    pub(super) config_path: PathBuf,
    /// The policy that spreads sockets over nodes.
    pub(super) policy: BalancerPolicy,
    /// The connections that the balancer has to hold.
    pub(super) capacity: BalancerCapacity,
    program: Program,
    program_path: PathBuf,
}

impl BalancerProgram {
    /// Finds the program and creates the folder of one balancer.
    pub(super) fn new(
        program: Program,
        id: &str,
        options: BalancerOptions<'_>,
        config_name: &str,
    ) -> Result<Self, TestbedError> {
        let program_path = find_program(program)?;
        let folder = options.folder.join(id);
        fs::create_dir_all(&folder).map_err(|source| file_error(&folder, source))?;
        Ok(Self {
            process: ClusterProcess::new(id, options.log_dir),
            config_path: folder.join(config_name),
            folder,
            policy: options.policy,
            capacity: options.capacity,
            program,
            program_path,
        })
    }

    /// Writes a configuration, which a running program does not use yet.
    pub(super) fn write(&self, text: &str) -> Result<(), TestbedError> {
        let path = &self.config_path;
        fs::write(path, text).map_err(|source| file_error(path, source))
    }

    /// Checks the written configuration with the program.
    pub(super) async fn check(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<(), TestbedError> {
        let checked = self.program.check(&self.program_path, arguments).await;
        checked.map_err(|output| TestbedError::ConfigRejected {
            id: self.process.id.clone(),
            program: self.program.name,
            output,
        })
    }

    /// Returns the launch of the program, which starts and ends its own workers.
    pub(super) fn launch(&self, arguments: impl IntoIterator<Item = OsString>) -> Launch {
        Launch::new(&self.program_path, arguments, &self.process.log).with_children()
    }
}

/// Returns the path of a program. A run installs nothing, so a program that is missing ends
/// the start with a hint.
fn find_program(program: Program) -> Result<PathBuf, TestbedError> {
    program.path().ok_or_else(|| TestbedError::ProgramMissing {
        program: program.name,
        hint: format!(
            "install it (Debian: `{}`), or use another balancer with \
             `--set cluster.balancer=gateway`",
            program.install_command()
        ),
    })
}

fn file_error(path: &Path, source: std::io::Error) -> TestbedError {
    TestbedError::BalancerFile {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use strum::VariantArray;

    use super::*;

    /// Options of a balancer whose files are in `folder`.
    pub(in super::super) fn options(folder: &Path) -> BalancerOptions<'_> {
        BalancerOptions {
            log_dir: folder,
            folder,
            policy: BalancerPolicy::LeastConn,
            capacity: BalancerCapacity { connections: 100 },
        }
    }

    /// Checks that the program accepts the configuration of each policy. Returns its error
    /// for a configuration with another word in place of `method`.
    pub(in super::super) async fn rejection(
        program: &BalancerProgram,
        render: fn(&Path, BalancerPolicy) -> String,
        arguments: &[OsString],
        method: &str,
    ) -> String {
        for policy in BalancerPolicy::VARIANTS {
            program.write(&render(&program.folder, *policy)).unwrap();
            program.check(arguments.to_vec()).await.unwrap();
        }
        let text = render(&program.folder, BalancerPolicy::LeastConn);
        program.write(&text.replace(method, "fewest")).unwrap();
        let error = program.check(arguments.to_vec()).await.unwrap_err();
        error.to_string()
    }

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
