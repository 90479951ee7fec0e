//! Containers of this machine: their process and their control group, from the Engine API of
//! Docker (`docs.docker.com/reference/api/engine`), which Podman has too.

use std::{collections::BTreeMap, path::PathBuf};

use futures_util::future::join_all;
use reqwest::Client;
use serde::Deserialize;
use thiserror::Error;

use super::{
    cgroup,
    process_tree::started_ticks,
    scrape::{ScrapeError, scrape},
    target::SampleTarget,
};
use crate::{access::CertVerification, error_chain::error_chain};

/// The socket of the engine without `DOCKER_HOST`.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// The reason why a container cannot be sampled.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// The engine does not answer.
    #[error("cannot ask the container engine at {}: {reason}", socket.display())]
    Engine {
        /// The engine's socket.
        socket: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The engine knows no such container.
    #[error("the container engine at {} has no container `{name}`", socket.display())]
    Unknown {
        /// The engine's socket.
        socket: PathBuf,
        /// The container.
        name: String,
    },
    /// The container has no process that this machine can see.
    #[error("the container `{0}` does not run on this machine")]
    NotRunning(String),
}

/// The process of a container, and the control group where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunningContainer {
    pub(crate) pid: u32,
    pub(crate) cgroup: Option<PathBuf>,
    /// The start of the process, which tells it from a later one of the same id.
    started: u64,
}

/// The containers of a run. The engine is asked again only when a process has ended.
#[derive(Debug)]
pub(crate) struct Containers {
    engine: Engine,
    known: BTreeMap<String, RunningContainer>,
}

/// The container engine of this machine.
#[derive(Debug)]
struct Engine {
    socket: PathBuf,
    /// `None` where no HTTP client can be set up.
    client: Option<Client>,
}

/// The part of the answer to `GET /containers/NAME/json` that is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerJson {
    state: StateJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StateJson {
    /// 0 while the container does not run.
    pid: u32,
}

impl RunningContainer {
    fn is_alive(&self) -> bool {
        started_ticks(self.pid) == Some(self.started)
    }
}

impl Containers {
    /// The containers of the engine that the environment names.
    pub(crate) fn from_environment() -> Self {
        let host = std::env::var("DOCKER_HOST").ok();
        Self::at(socket_of(host.as_deref()))
    }

    fn at(socket: PathBuf) -> Self {
        // The socket is a file of this machine, so nothing is encrypted.
        let client = CertVerification::NoTls.http_client(|client| client.unix_socket(&*socket));
        let client = client.ok();
        Self {
            engine: Engine { socket, client },
            known: BTreeMap::new(),
        }
    }

    /// Finds the process of a container that runs.
    pub(crate) async fn find(&self, name: &str) -> Result<RunningContainer, ContainerError> {
        self.engine.find(name).await
    }

    /// Fills in the process and the control group of each target that is a container. A
    /// container that does not run has neither.
    pub(super) async fn resolve(&mut self, targets: &[SampleTarget]) -> Vec<SampleTarget> {
        let names = targets
            .iter()
            .filter_map(|target| target.scope.container.as_deref());
        let ended = names.filter(|name| {
            !self
                .known
                .get(*name)
                .is_some_and(RunningContainer::is_alive)
        });
        let engine = &self.engine;
        let found = ended.map(|name| async move { (name.to_owned(), engine.find(name).await) });
        for (name, container) in join_all(found).await {
            match container {
                Ok(container) => self.known.insert(name, container),
                // The target's sample then says that it is down.
                Err(_) => self.known.remove(&name),
            };
        }
        targets.iter().map(|target| self.resolved(target)).collect()
    }

    fn resolved(&self, target: &SampleTarget) -> SampleTarget {
        let mut target = target.clone();
        if let Some(name) = &target.scope.container {
            let container = self.known.get(name);
            target.pid = container.map(|container| container.pid);
            target.scope.cgroup = container.and_then(|container| container.cgroup.clone());
        }
        target
    }
}

impl Engine {
    async fn find(&self, name: &str) -> Result<RunningContainer, ContainerError> {
        let failed = |reason: String| ContainerError::Engine {
            socket: self.socket.clone(),
            reason,
        };
        let Some(client) = &self.client else {
            return Err(failed("no HTTP client can be set up".to_owned()));
        };
        // The host is a name for the protocol only: the connection goes to the socket.
        let url = format!("http://localhost/containers/{name}/json");
        let text = match scrape(client, &url).await {
            Ok(text) => text,
            Err(ScrapeError::Status { status, .. }) if status == 404 => {
                return Err(ContainerError::Unknown {
                    socket: self.socket.clone(),
                    name: name.to_owned(),
                });
            }
            Err(error) => return Err(failed(error_chain(&error))),
        };
        let json: ContainerJson =
            serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let pid = json.state.pid;
        // A container of a virtual machine has a process that this kernel does not know.
        match started_ticks(pid).filter(|_| pid > 0) {
            Some(started) => Ok(RunningContainer {
                pid,
                cgroup: cgroup::folder_of(pid),
                started,
            }),
            None => Err(ContainerError::NotRunning(name.to_owned())),
        }
    }
}

/// Returns the socket of the engine, from the value of `DOCKER_HOST`.
fn socket_of(host: Option<&str>) -> PathBuf {
    let path = host.and_then(|host| host.strip_prefix("unix://"));
    PathBuf::from(path.unwrap_or(DEFAULT_SOCKET))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::UnixListener,
    };

    use super::*;

    /// Starts an engine that answers every request with a status and a body.
    fn start_engine(status: &'static str, body: String) -> (tempfile::TempDir, Containers) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4_096];
                let length = stream.read(&mut request).await.unwrap();
                let request = String::from_utf8_lossy(&request[..length]);
                assert!(request.starts_with("GET /containers/app/json HTTP/1.1\r\n"));
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body.as_bytes()).await.unwrap();
            }
        });
        (folder, Containers::at(socket))
    }

    fn state(pid: u32) -> String {
        format!(r#"{{"Id":"1f","State":{{"Status":"running","Running":true,"Pid":{pid}}}}}"#)
    }

    #[tokio::test]
    async fn process_of_a_container_is_found_while_it_runs() {
        let (_folder, mut containers) = start_engine("200 OK", state(std::process::id()));
        let found = containers.find("app").await.unwrap();
        assert_eq!(found.pid, std::process::id());
        assert!(found.is_alive());
        let source = highwater_reports::record::Source::new(
            highwater_reports::record::SourceRole::Node,
            "app",
        );
        let mut target = SampleTarget::new(source, None, None);
        target.scope.container = Some("app".to_owned());
        let resolved = containers.resolve(&[target]).await;
        assert_eq!(resolved[0].pid, Some(std::process::id()));
    }

    #[tokio::test]
    async fn container_that_cannot_be_sampled_is_explained() {
        let (_stopped, stopped) = start_engine("200 OK", state(0));
        let (_unknown, unknown) = start_engine("404 Not Found", "{}".to_owned());
        let (_other, other) = start_engine("200 OK", "hello".to_owned());
        let absent = Containers::at(PathBuf::from("/nowhere/engine.sock"));
        let error = async |containers: &Containers| {
            let error = containers.find("app").await.unwrap_err();
            error.to_string()
        };
        assert_eq!(
            error(&stopped).await,
            "the container `app` does not run on this machine"
        );
        assert!(error(&unknown).await.ends_with("has no container `app`"));
        assert!(error(&other).await.contains("expected value"));
        let absent = error(&absent).await;
        assert!(
            absent.starts_with("cannot ask the container engine at /nowhere/engine.sock: "),
            "{absent}"
        );
    }

    #[test]
    fn socket_is_that_of_the_environment() {
        assert_eq!(socket_of(None), PathBuf::from(DEFAULT_SOCKET));
        assert_eq!(socket_of(Some("tcp://h:1")), PathBuf::from(DEFAULT_SOCKET));
        let podman = socket_of(Some("unix:///run/podman/podman.sock"));
        assert_eq!(podman, PathBuf::from("/run/podman/podman.sock"));
    }
}
