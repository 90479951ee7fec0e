//! Google's emulator of Pub/Sub.
//!
//! A part of the Google Cloud CLI, which this project does not install. Everything is in its memory,
//! so a killed one has lost it. docs/consumers.md has its other differences from the service.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{
    Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program::JAVA,
};

/// The variable with the folder of the Google Cloud CLI.
const ROOT_VARIABLE: &str = "CLOUDSDK_ROOT";
/// The folders in which Google's packages and scripts install it, the last one below the home.
const ROOTS: [&str; 3] = [
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "google-cloud-sdk",
];
/// The folder of the emulator's archives of Java.
const ARCHIVES: &str = "platform/pubsub-emulator/lib";
/// The bound of the emulator's heap.
const MAX_HEAP: &str = "-Xmx512m";
/// The project of the URL. The emulator takes any.
const PROJECT: &str = "highwater";

/// Starts the emulator.
#[derive(Debug)]
pub struct PubSubService {
    java: PathBuf,
    archive: PathBuf,
    port: u16,
}

impl PubSubService {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            archive: emulator()?,
            java: JAVA.require()?,
            port: port::pick_free_port()?,
        })
    }
}

impl ServiceDefinition for PubSubService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::PubSub
    }

    fn url(&self) -> String {
        format!("pubsub://127.0.0.1:{}/{PROJECT}", self.port)
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory.join("tmp"))
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.java);
        command
            // Otherwise a killed emulator leaves a file in the machine's temporary directory.
            .args([MAX_HEAP, "-XX:-UsePerfData"])
            .arg(format!(
                "-Djava.io.tmpdir={}",
                directory.join("tmp").display()
            ))
            .arg("-jar")
            .arg(&self.archive)
            .args(["--host=127.0.0.1", &format!("--port={}", self.port)]);
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        is_ready(self.port)
    }
}

/// Whether the emulator at this port answers. It also takes the HTTP interface of the service.
pub(crate) fn is_ready(port: u16) -> bool {
    probe::http_get_succeeds(port, &format!("/v1/projects/{PROJECT}/topics"))
}

/// Returns the emulator's archive of the newest version.
pub(crate) fn emulator() -> Result<PathBuf, ServiceError> {
    let home = env::home_dir().unwrap_or_default();
    let roots = ROOTS.map(|root| home.join(root));
    let roots = env::var_os(ROOT_VARIABLE)
        .map(PathBuf::from)
        .into_iter()
        .chain(roots);
    let mut archives = roots.filter_map(|root| newest_archive(&root.join(ARCHIVES)));
    archives.next().ok_or(ServiceError::ProgramMissing {
        program: "cloud-pubsub-emulator",
        package: "google-cloud-cli-pubsub-emulator, of Google's repository",
        hint: "install the Google Cloud CLI with its component pubsub-emulator, \
               and name its folder in CLOUDSDK_ROOT",
    })
}

fn newest_archive(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let is_emulator = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("cloud-pubsub-emulator-") && name.ends_with("-all.jar")
    };
    files.map(|file| file.path()).filter(is_emulator).max()
}
