//! One balancer, whichever it is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use highwater_reports::record::{Role, Source};
use highwater_scenarios::plan::{self, Cluster, Policy};

use super::{
    super::{TestbedError, cluster::Bed},
    backends::{Change, Server},
    capacity::Room,
    gateway::Gateway,
    haproxy::Haproxy,
    nginx::Nginx,
    process::Process,
};
use crate::{
    program::{HAPROXY, NGINX, Program},
    sampling::{Endpoint, Sampled},
};

/// One balancer.
#[derive(Debug)]
pub(super) enum Balancer {
    Gateway(Gateway),
    Nginx(Nginx),
    Haproxy(Haproxy),
}

/// What all balancers of a cluster have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'c> {
    /// Where they log.
    pub(super) log_dir: &'c Path,
    /// Where they keep their files, each in a folder of its own.
    pub(super) folder: &'c Path,
    /// How they spread sockets.
    pub(super) policy: Policy,
    /// How many connections they have room for.
    pub(super) room: Room,
}

impl Common<'_> {
    /// The folder of one of them, made.
    pub(super) fn folder_of(&self, id: &str) -> Result<PathBuf, TestbedError> {
        let path = self.folder.join(id);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(TestbedError::BalancerFile { path, source }),
        }
    }
}

impl Balancer {
    /// Those that a scenario asks for, not running yet; none where it asks for none.
    /// Fails where the program is not on the machine.
    pub(super) fn all(cluster: &Cluster, common: Common<'_>) -> Result<Vec<Self>, TestbedError> {
        let ids = (1..=cluster.gateways).map(|number| format!("b{number}"));
        match cluster.balancer {
            plan::Balancer::None => Ok(Vec::new()),
            plan::Balancer::Gateway => Ok(ids
                .map(|id| Self::Gateway(Gateway::new(&id, common)))
                .collect()),
            plan::Balancer::Nginx => {
                let program = find(NGINX)?;
                ids.map(|id| Nginx::new(&id, &program, common).map(Self::Nginx))
                    .collect()
            }
            plan::Balancer::Haproxy => {
                let program = find(HAPROXY)?;
                ids.map(|id| Haproxy::new(&id, &program, common).map(Self::Haproxy))
                    .collect()
            }
        }
    }

    /// Starts it; over when it serves these nodes.
    pub(super) async fn start(&self, bed: &Bed, servers: &[Server]) -> Result<(), TestbedError> {
        match self {
            Self::Gateway(gateway) => gateway.start(bed).await,
            Self::Nginx(nginx) => nginx.start(bed, servers).await,
            Self::Haproxy(haproxy) => haproxy.start(bed, servers).await,
        }
    }

    /// Gives it a configuration with these nodes; over when it serves by that. What it
    /// was given.
    pub(super) async fn reload(
        &self,
        bed: &Bed,
        servers: &[Server],
    ) -> Result<String, TestbedError> {
        match self {
            Self::Gateway(gateway) => Err(gateway.refusal("a reload")),
            Self::Nginx(nginx) => nginx.reload(bed, servers).await,
            Self::Haproxy(haproxy) => haproxy.reload(bed, servers).await,
        }
    }

    /// Tells it of one change while it runs. What it was told.
    pub(super) async fn tell(&self, change: &Change) -> Result<String, TestbedError> {
        match self {
            Self::Gateway(gateway) => Err(gateway.refusal("a command")),
            Self::Nginx(nginx) => Err(nginx.refusal("a command")),
            Self::Haproxy(haproxy) => haproxy.tell(change).await,
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
    pub(super) fn sampled(&self) -> Option<Sampled> {
        let endpoint = match self {
            Self::Gateway(gateway) => gateway.endpoint(),
            Self::Nginx(nginx) => nginx.endpoint(),
            Self::Haproxy(haproxy) => haproxy.endpoint(),
        };
        let process = self.process();
        process.listen()?;
        Some(Sampled {
            source: Source::new(Role::Balancer, &process.id),
            pid: process.pid(),
            endpoint: endpoint.map(Endpoint::Balancer),
        })
    }

    /// Its process.
    pub(super) fn process(&self) -> &Process {
        match self {
            Self::Gateway(gateway) => &gateway.process,
            Self::Nginx(nginx) => &nginx.process,
            Self::Haproxy(haproxy) => &haproxy.process,
        }
    }
}

/// Where a program is; nothing is installed by a run.
fn find(program: Program) -> Result<PathBuf, TestbedError> {
    program.path().ok_or_else(|| TestbedError::ProgramMissing {
        program: program.name,
        hint: format!(
            "install it (Debian: `{}`), or take another one with \
             `--set cluster.balancer=gateway`",
            program.installation()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_what_brings_it() {
        let elsewhere = Program {
            name: "highwater-no-such-balancer",
            ..NGINX
        };
        let error = find(elsewhere).unwrap_err();
        assert_eq!(
            error.to_string(),
            "highwater-no-such-balancer is not on this machine"
        );
        assert!(
            matches!(&error, TestbedError::ProgramMissing { hint, .. } if hint.contains("nginx-light"))
        );
    }
}
