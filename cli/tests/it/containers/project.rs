//! The containers of docker-compose.yml, in a project of their own with images of this build.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{self, Command, Output},
};

use highwater_reports::summary::Summary;
use tempfile::TempDir;

use crate::harness::{eventually, last_interval_at, steady_start};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../");

/// The images that are not built here.
const IMAGES: [&str; 4] = ["debian:12-slim", "redis:7", "nats:2.11", "haproxy:3.0"];

/// A project of Compose. Its drop removes the containers, the networks and the volumes.
pub(super) struct Project {
    name: String,
    folder: TempDir,
    image: Image,
}

/// An image with the program of this build.
struct Image {
    tag: String,
    /// The program of Compose, with its first argument if it is a plug-in.
    compose: &'static [&'static str],
}

/// A run in containers that is over.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) summary: Summary,
    /// The log of the coordinator.
    pub(super) log: String,
}

impl Project {
    /// Lays out the files of a fresh clone; `None`, with a reason on stdout, where no engine,
    /// no Compose or not every image is there.
    #[expect(clippy::print_stdout, reason = "the reason for a skipped test")]
    pub(super) fn new() -> Option<Self> {
        let image = match Image::build() {
            Ok(image) => image,
            Err(reason) => {
                println!("skipped: {reason}");
                return None;
            }
        };
        let folder = TempDir::new().unwrap();
        for file in [
            ".env",
            "docker-compose.yml",
            "docker-compose.least-conn.yml",
        ] {
            fs::copy(Path::new(ROOT).join(file), folder.path().join(file)).unwrap();
        }
        for linked in ["deploy", "scenarios"] {
            let source = fs::canonicalize(Path::new(ROOT).join(linked)).unwrap();
            symlink(source, folder.path().join(linked)).unwrap();
        }
        Some(Self {
            name: image.tag.clone(),
            folder,
            image,
        })
    }

    fn compose(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let [program, first @ ..] = self.image.compose else {
            unreachable!("a program has a name");
        };
        let mut command = Command::new(program);
        command.args(first).args(["--project-name", &self.name]);
        command.args(arguments).current_dir(self.folder.path());
        command.env("HIGHWATER_IMAGE", &self.image.tag);
        command.envs(variables.iter().copied());
        command
    }

    /// Starts a run as the documents say, and returns its end with the exit code of Compose.
    pub(super) fn run(&self, run: &str, variables: &[(&str, &str)]) -> Ended {
        let up = ["up", "--exit-code-from", "coordinator", "coordinator"];
        let variables = [variables, &[("HIGHWATER_RUN", run)]].concat();
        let output = self.compose(&up, &variables).output().unwrap();
        self.ended(run, output.status.code(), text(&output))
    }

    /// Starts a run in the background, and waits for seconds of its steady phase.
    pub(super) fn start(&self, run: &str, seconds: f64, variables: &[(&str, &str)]) {
        let variables = [variables, &[("HIGHWATER_RUN", run)]].concat();
        let up = ["up", "--detach", "coordinator"];
        succeed(&mut self.compose(&up, &variables));
        self.wait_for_steady(run, seconds);
    }

    /// Waits until seconds of the steady phase are in the record of a run.
    pub(super) fn wait_for_steady(&self, run: &str, seconds: f64) {
        let record = self.record(run);
        let steady = eventually("the steady phase", || steady_start(&record));
        eventually("some seconds of it", || {
            last_interval_at(&record).filter(|at| *at >= steady + seconds)
        });
    }

    /// Waits for the end of a run that `start` began.
    pub(super) fn finish(&self, run: &str) -> Ended {
        let coordinator = self.container("coordinator");
        let state = "{{.State.Running}} {{.State.ExitCode}}";
        let code = eventually("the end of the coordinator", || {
            let state = docker(&["inspect", "--format", state, &coordinator]);
            state.strip_prefix("false ")?.parse().ok()
        });
        self.ended(run, Some(code), docker(&["logs", &coordinator]))
    }

    fn ended(&self, run: &str, code: Option<i32>, log: String) -> Ended {
        let summary = self.record(run).join("summary.json");
        let json = fs::read(&summary).unwrap_or_else(|error| panic!("{error}: {log}"));
        assert!(self.record(run).join("report.html").is_file(), "{log}");
        let summary = serde_json::from_slice(&json).unwrap();
        Ended { code, summary, log }
    }

    fn record(&self, run: &str) -> PathBuf {
        self.folder.path().join("runs").join(run)
    }

    /// Returns the id of the container of a service.
    pub(super) fn container(&self, service: &str) -> String {
        // A container that has ended is listed with `--all` alone.
        let filters = [
            format!("label=com.docker.compose.project={}", self.name),
            format!("label=com.docker.compose.service={service}"),
        ];
        let list = [
            "ps",
            "--all",
            "--quiet",
            "--filter",
            &filters[0],
            "--filter",
        ];
        docker(&[&list[..], &[filters[1].as_str()]].concat())
    }

    /// Returns the network of all services.
    pub(super) fn network(&self) -> String {
        format!("{}_default", self.name)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let down = ["down", "--volumes", "--remove-orphans", "--timeout", "1"];
        let _ = self.compose(&down, &[]).output();
    }
}

impl Image {
    /// Builds the image, or says why this machine cannot.
    fn build() -> Result<Self, String> {
        let works = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output();
            output.is_ok_and(|output| output.status.success())
        };
        if !works("docker", &["version"]) {
            return Err("no container engine answers".to_owned());
        }
        let compose: &'static [&'static str] = match works("docker", &["compose", "version"]) {
            true => &["docker", "compose"],
            false => &["docker-compose"],
        };
        if !works(compose[0], &[&compose[1..], &["version"]].concat()) {
            return Err("neither `docker compose` nor docker-compose is installed".to_owned());
        }
        if !works("docker", &[&["image", "inspect"][..], &IMAGES].concat()) {
            let images = IMAGES.join(", ");
            return Err(format!(
                "not every image is there: {images}; deploy/images/local.sh makes them"
            ));
        }
        let tag = format!("highwater-test-{}", process::id());
        let script = Path::new(ROOT).join("deploy/images/local.sh");
        let mut build = Command::new(script);
        succeed(build.args(["highwater", &tag, env!("CARGO_BIN_EXE_highwater")]));
        Ok(Self { tag, compose })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let mut remove = Command::new("docker");
        let binary = format!("{}-binary", self.tag);
        // Nothing is left to do if the engine refuses.
        let _ = remove.args(["image", "rm", &self.tag, &binary]).output();
    }
}

/// Runs a command of the engine, and returns what it prints.
pub(super) fn docker(arguments: &[&str]) -> String {
    let output = succeed(Command::new("docker").args(arguments));
    text(&output).trim().to_owned()
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    output
}

fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
