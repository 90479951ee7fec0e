//! One balancer, whichever it is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::{self, BalancerPolicy, ClusterSpec};

use super::{
    super::{TestbedError, cluster::ClusterInner},
    backends::{BackendChange, BalancerBackend},
    capacity::BalancerCapacity,
    gateway::GatewayBalancer,
    haproxy::HaproxyBalancer,
    nginx::NginxBalancer,
    process::BalancerProcess,
};
use crate::{
    program::{BalancerProgram, HAPROXY, NGINX},
    sampling::{SampleEndpoint, SampleTarget},
};

/// One balancer.
#[derive(Debug)]
pub(super) enum AnyBalancer {
    Gateway(GatewayBalancer),
    Nginx(NginxBalancer),
    Haproxy(HaproxyBalancer),
}

/// What all balancers of a cluster have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct BalancerOptions<'c> {
    /// Where they log.
    pub(super) log_dir: &'c Path,
    /// Where they keep their files, each in a folder of its own.
    pub(super) folder: &'c Path,
    /// How they spread sockets.
    pub(super) policy: BalancerPolicy,
    /// How many connections they have room for.
    pub(super) capacity: BalancerCapacity,
}

impl BalancerOptions<'_> {
    /// The folder of one of them, made.
    pub(super) fn folder_of(&self, id: &str) -> Result<PathBuf, TestbedError> {
        let path = self.folder.join(id);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(TestbedError::BalancerFile { path, source }),
        }
    }
}

impl AnyBalancer {
    /// Those that a scenario asks for, not running yet; none where it asks for none.
    /// Fails where the program is not on the machine.
    pub(super) fn create_all(
        cluster: &ClusterSpec,
        common: BalancerOptions<'_>,
    ) -> Result<Vec<Self>, TestbedError> {
        let ids = (1..=cluster.balancers).map(|number| format!("b{number}"));
        match cluster.balancer {
            plan::BalancerKind::None => Ok(Vec::new()),
            plan::BalancerKind::Gateway => Ok(ids
                .map(|id| Self::Gateway(GatewayBalancer::new(&id, common)))
                .collect()),
            plan::BalancerKind::Nginx => {
                let program = find_program(NGINX)?;
                ids.map(|id| NginxBalancer::new(&id, &program, common).map(Self::Nginx))
                    .collect()
            }
            plan::BalancerKind::Haproxy => {
                let program = find_program(HAPROXY)?;
                ids.map(|id| HaproxyBalancer::new(&id, &program, common).map(Self::Haproxy))
                    .collect()
            }
        }
    }

    /// Starts it; over when it serves these nodes.
    pub(super) async fn start(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
    ) -> Result<(), TestbedError> {
        match self {
            Self::Gateway(gateway) => gateway.start(cluster).await,
            Self::Nginx(nginx) => nginx.start(cluster, servers).await,
            Self::Haproxy(haproxy) => haproxy.start(cluster, servers).await,
        }
    }

    /// Gives it a configuration with these nodes; over when it serves by that. What it
    /// was given.
    pub(super) async fn reload(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
    ) -> Result<String, TestbedError> {
        match self {
            Self::Gateway(gateway) => Err(gateway.unsupported_change("a reload")),
            Self::Nginx(nginx) => nginx.reload(cluster, servers).await,
            Self::Haproxy(haproxy) => haproxy.reload(cluster, servers).await,
        }
    }

    /// Tells it of one change while it runs. What it was told.
    pub(super) async fn reconfigure(&self, change: &BackendChange) -> Result<String, TestbedError> {
        match self {
            Self::Gateway(gateway) => Err(gateway.unsupported_change("a command")),
            Self::Nginx(nginx) => Err(nginx.unsupported_change("a command")),
            Self::Haproxy(haproxy) => haproxy.reconfigure(change).await,
        }
    }

    /// Its configuration in full, once it was started.
    pub(super) fn configuration(&self) -> Option<String> {
        match self {
            Self::Gateway(gateway) => gateway.configuration(),
            Self::Nginx(nginx) => nginx.configuration(),
            Self::Haproxy(haproxy) => haproxy.configuration(),
        }
    }

    /// Its program and that one's version, where it is not our own.
    pub(super) async fn version(&self) -> BTreeMap<String, String> {
        let (program, path) = match self {
            Self::Gateway(_) => return BTreeMap::new(),
            Self::Nginx(nginx) => (NGINX, &nginx.program),
            Self::Haproxy(haproxy) => (HAPROXY, &haproxy.program),
        };
        let version = program.version(path).await;
        let version = version.map(|version| (program.name.to_owned(), version));
        version.into_iter().collect()
    }

    /// For the sampler, once it was started.
    pub(super) fn sample_target(&self) -> Option<SampleTarget> {
        let endpoint = match self {
            Self::Gateway(gateway) => gateway.endpoint(),
            Self::Nginx(nginx) => nginx.endpoint(),
            Self::Haproxy(haproxy) => haproxy.endpoint(),
        };
        let process = self.process();
        process.listen_address()?;
        Some(SampleTarget {
            source: Source::new(SourceRole::Balancer, &process.id),
            pid: process.pid(),
            endpoint: endpoint.map(SampleEndpoint::Balancer),
        })
    }

    /// Its process.
    pub(super) fn process(&self) -> &BalancerProcess {
        match self {
            Self::Gateway(gateway) => &gateway.process,
            Self::Nginx(nginx) => &nginx.process,
            Self::Haproxy(haproxy) => &haproxy.process,
        }
    }
}

/// Where a program is; nothing is installed by a run.
fn find_program(program: BalancerProgram) -> Result<PathBuf, TestbedError> {
    program.path().ok_or_else(|| TestbedError::ProgramMissing {
        program: program.name,
        hint: format!(
            "install it (Debian: `{}`), or take another one with \
             `--set cluster.balancer=gateway`",
            program.install_command()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_what_brings_it() {
        let elsewhere = BalancerProgram {
            name: "highwater-no-such-balancer",
            ..NGINX
        };
        let error = find_program(elsewhere).unwrap_err();
        assert_eq!(
            error.to_string(),
            "highwater-no-such-balancer is not on this machine"
        );
        assert!(
            matches!(&error, TestbedError::ProgramMissing { hint, .. } if hint.contains("nginx-light"))
        );
    }
}
