//! The file with the processes and addresses of the running services.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use highwater_services::Service;
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::process_identity::ProcessIdentity;

/// The services that `up` started.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServicesState {
    /// The process that holds them all.
    pub(super) supervisor: ProcessIdentity,
    pub(super) services: Vec<ServiceEntry>,
}

/// One service.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServiceEntry {
    /// The name of its kind.
    pub(super) name: String,
    /// The server processes; a cluster has several.
    pub(super) servers: Vec<ProcessIdentity>,
    pub(super) url: String,
    pub(super) monitor: Option<String>,
    pub(super) admin: Option<String>,
    /// The URL of STOMP over TCP.
    #[serde(default)]
    pub(super) stomp: Option<String>,
    /// The URLs of STOMP over WebSocket.
    #[serde(default)]
    pub(super) web_stomp: Vec<String>,
    pub(super) directory: PathBuf,
    /// Seconds since 1970.
    pub(super) started_at: u64,
}

impl ServiceEntry {
    /// Builds the entry of a service that has just started.
    pub(super) fn of(service: &Service) -> Self {
        Self {
            name: service.name().to_owned(),
            servers: service
                .pids()
                .into_iter()
                .filter_map(ProcessIdentity::of)
                .collect(),
            url: service.url(),
            monitor: service.monitor_url(),
            admin: service.admin_url(),
            stomp: service.stomp_url(),
            web_stomp: service.web_stomp_urls(),
            directory: service.directory().to_owned(),
            started_at: now(),
        }
    }
}

impl ServicesState {
    /// Reads the file. Returns `None` if there is no file, or if the supervisor has ended
    /// and its services with it.
    pub(super) fn read() -> Result<Option<Self>> {
        let path = path()?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let state: Self =
            serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        Ok(Some(state).filter(|state| state.supervisor.is_alive()))
    }

    /// Writes the file.
    pub(super) fn write(&self) -> Result<()> {
        let path = path()?;
        // By a rename, so that a reader finds the whole file or none.
        let fresh = path.with_extension("new");
        fs::write(&fresh, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&fresh, &path))
            .with_context(|| path.display().to_string())
    }

    /// Removes the file, if there is one.
    pub(super) fn remove() -> Result<()> {
        let path = path()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 is set wrong, and a wrong uptime does no harm.
    since.map_or(0, |since| since.as_secs())
}

/// Returns the path of the state file.
pub(super) fn path() -> Result<PathBuf> {
    Ok(directory()?.join("state.json"))
}

/// Returns the path of the supervisor's log.
pub(super) fn log_path() -> Result<PathBuf> {
    Ok(directory()?.join("supervisor.log"))
}

/// Creates a directory that only this user can write to. Another user with access could
/// let `down` end any process of this user.
fn directory() -> Result<PathBuf> {
    let user = geteuid();
    let directory = env::temp_dir().join(format!("highwater-services-{user}"));
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory);
    made.with_context(|| directory.display().to_string())?;
    // Without following a link, which another user could have put there.
    let found = fs::symlink_metadata(&directory)?;
    if !found.is_dir() || found.uid() != user.as_raw() || found.mode() & 0o022 != 0 {
        bail!(
            "{} is not a directory that belongs to this user alone; hint: remove it",
            directory.display()
        );
    }
    Ok(directory)
}
