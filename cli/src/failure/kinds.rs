//! Conversion of the libraries' errors to exit codes and hints.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use highwater_loadgen::{
    bus::BusError, control::LinkError, coordinator::RunError, testbed::TestbedError,
    worker::WorkerError,
};
use highwater_reports::{CompareError, RecordError, ReportError, export::ExportError};
use highwater_scenarios::LoadError;
use highwater_server::{GatewayError, NodeError};

use super::{CliFailure, text};
use crate::exit::Exit;

impl CliFailure {
    /// Builds the error for a scenario at `path` that did not become a plan.
    pub(crate) fn scenario(path: &Path, error: LoadError) -> Self {
        match error {
            LoadError::Invalid(problems) => Self {
                exit: Exit::Usage,
                text: text::problems(path, &problems),
            },
            LoadError::Unreadable { source, .. } => {
                Self::path("read the scenario", path, source).with_hint(similar(path))
            }
        }
    }

    /// Builds the error for an `address` that cannot be bound.
    pub(crate) fn listen(address: std::net::SocketAddr, error: io::Error) -> Self {
        let exit = exit_for_listen(&error);
        let hint = listen_hint(address.port(), &error);
        let context = format!("cannot listen on {address}");
        Self::new(exit, anyhow::Error::new(error).context(context)).with_hint(hint)
    }
}

/// A record that the user named cannot be read.
impl From<RecordError> for CliFailure {
    fn from(error: RecordError) -> Self {
        match &error {
            RecordError::Io { path, source, .. }
                // A record begins with its manifest, so a directory without one holds another
                // thing.
                if is_absent(source) && path.ends_with("manifest.json") =>
            {
                let directory = path.parent().unwrap_or(path).display();
                let context = format!("{directory} is not a run directory");
                Self::new(Exit::Usage, anyhow::Error::new(error).context(context))
                    .with_hint(Some("runs are in runs/TIME-NAME, or in the directory of --out"))
            }
            _ => Self::new(exit_for_record(&error), error),
        }
    }
}

/// The report on a run that the user named cannot be made.
impl From<ReportError> for CliFailure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Record(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

/// The export that the user asked for cannot be made.
impl From<ExportError> for CliFailure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Record(error) => error.into(),
            ExportError::Write { path, source } => Self::path("write", &path, source),
            ExportError::Stream(source) => Self::output(source),
            ExportError::Exists(_) => {
                Self::new(Exit::Usage, error).with_hint(Some("--force replaces it"))
            }
            ExportError::NoSuchTable { .. } => Self::new(Exit::Usage, error)
                .with_hint(Some("csv, jsonl and parquet have all tables")),
            ExportError::FeatureMissing { format } => {
                let hint = format!("build it in: cargo build --release --features {format}");
                Self::new(Exit::Usage, error).with_hint(Some(hint))
            }
            ExportError::Schema(_) => Self::internal(error),
        }
    }
}

/// The runs that the user named cannot be compared.
impl From<CompareError> for CliFailure {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Record(error) => error.into(),
            CompareError::NotComparable(_) => {
                Self::new(Exit::Usage, error).with_hint(Some("--anyway compares them all the same"))
            }
            CompareError::SameRun(_) => {
                Self::new(Exit::Usage, error).with_hint(Some("name two runs or more, each once"))
            }
            error => Self::internal(error),
        }
    }
}

impl From<RunError> for CliFailure {
    fn from(error: RunError) -> Self {
        let exit = exit_for_run(&error);
        let hint = match &error {
            RunError::Listen { address, source } | RunError::MetricsListen { address, source } => {
                listen_hint(address.port(), source)
            }
            error => error.hint(),
        };
        Self::new(exit, error).with_hint(hint)
    }
}

impl From<WorkerError> for CliFailure {
    fn from(error: WorkerError) -> Self {
        let (exit, hint) = match &error {
            WorkerError::Unreachable { .. } => (
                Exit::Refused,
                "`highwater run` starts its own workers; others join over a bus: highwater worker \
                 --bus nats://HOST --run RUN",
            ),
            WorkerError::SourceAddress(_) => (
                Exit::Usage,
                "--bind takes addresses of this machine; `ip address` lists them",
            ),
            WorkerError::Rejected(_) => (
                Exit::Refused,
                "the version must be the coordinator's, and each share has one worker",
            ),
            WorkerError::CoordinatorTimeout => (
                Exit::Refused,
                "see whether it is a coordinator that listens at this address",
            ),
            WorkerError::Bus(bus) => {
                let (exit, hint) = (exit_for_bus(bus), bus.hint());
                return Self::new(exit, error).with_hint(hint);
            }
            WorkerError::NoSuchSegment { .. } => (
                Exit::Usage,
                "--index counts from 0 to the coordinator's --workers less 1",
            ),
            WorkerError::Stopped(_)
            | WorkerError::RunOver
            | WorkerError::Taken
            | WorkerError::Link(LinkError::Ended(_)) => {
                return Self::new(Exit::Refused, error);
            }
            WorkerError::Access(_) | WorkerError::Data(_) => (
                Exit::Usage,
                "variables and files do not pass through the bus: set the variable here, or name \
                 the folder of the scenario's files with --files",
            ),
            _ => return Self::internal(error),
        };
        Self::new(exit, error).with_hint(Some(hint))
    }
}

impl From<NodeError> for CliFailure {
    fn from(error: NodeError) -> Self {
        match &error {
            NodeError::Listener(_) => Self::new(Exit::Refused, error),
            NodeError::WildcardAddress(_) => Self::new(Exit::Usage, error).with_hint(Some(
                "name an address of this host that gateways reach: --advertise HOST:PORT",
            )),
            NodeError::ControlThread(_) | NodeError::TaskEnded(_) => Self::internal(error),
        }
    }
}

impl From<GatewayError> for CliFailure {
    fn from(error: GatewayError) -> Self {
        match &error {
            GatewayError::Listener(_) => Self::new(Exit::Refused, error),
            GatewayError::ControlThread(_) | GatewayError::TaskEnded(_) => Self::internal(error),
        }
    }
}

/// Returns the exit code for an error at a path that the user gave.
pub(super) fn exit_for_path(error: &io::Error) -> Exit {
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::InvalidFilename
        // The kind of a file that is not UTF-8.
        | ErrorKind::InvalidData => Exit::Usage,
        _ => Exit::Internal,
    }
}

/// Returns the exit code for an address that cannot be bound. A wrong address is the
/// user's mistake, and a taken one the state of the machine.
fn exit_for_listen(error: &io::Error) -> Exit {
    match error.kind() {
        ErrorKind::AddrNotAvailable => Exit::Usage,
        _ => Exit::Refused,
    }
}

/// Returns the exit code for an error of the bus.
fn exit_for_bus(error: &BusError) -> Exit {
    match error {
        BusError::NotNats { .. } | BusError::Credentials { .. } => Exit::Usage,
        BusError::Invalid { .. } => Exit::Internal,
        _ => Exit::Refused,
    }
}

fn exit_for_run(error: &RunError) -> Exit {
    match error {
        RunError::Bus(error) => exit_for_bus(error),
        RunError::BusUnderTest(_) | RunError::SecretInPlan(_) => Exit::Usage,
        RunError::PlanDoesNotFit(_)
        | RunError::ClusterOutOfReach { .. }
        | RunError::CannotResume { .. }
        | RunError::Superseded
        | RunError::WorkerFailedBeforeStart { .. } => Exit::Refused,
        RunError::Record(error) => exit_for_record(error),
        RunError::Testbed(error) => exit_for_testbed(error),
        RunError::Listen { source, .. } | RunError::MetricsListen { source, .. } => {
            exit_for_listen(source)
        }
        RunError::WorkersNotReady { .. }
        | RunError::OpenFileLimitTooLow { .. }
        | RunError::TargetUnreachable { .. }
        | RunError::Observe(_)
        | RunError::TargetTlsFailed { .. } => Exit::Refused,
        RunError::Tls(_) | RunError::Variable(_) => Exit::Usage,
        RunError::Interrupted => Exit::Interrupted,
        _ => Exit::Internal,
    }
}

fn exit_for_testbed(error: &TestbedError) -> Exit {
    match error {
        // Files and clients of the harness itself. The others are the system or the machine.
        TestbedError::LogFolder { .. }
        | TestbedError::Client(_)
        | TestbedError::Certificate(_)
        | TestbedError::Credentials { .. }
        | TestbedError::BalancerFile { .. }
        | TestbedError::Template(_)
        | TestbedError::ConfigRejected { .. }
        | TestbedError::Start { .. } => Exit::Internal,
        _ => Exit::Refused,
    }
}

fn exit_for_record(error: &RecordError) -> Exit {
    match error {
        RecordError::NotEmpty(_)
        | RecordError::InUse(_)
        | RecordError::NotAFile(_)
        | RecordError::TooLarge { .. }
        | RecordError::Manifest { .. }
        | RecordError::Schema { .. } => Exit::Usage,
        // The user names the directory that a record is created in or read from. Other
        // actions fail because of the machine, such as a full disk.
        RecordError::Io {
            action: "create" | "read",
            source,
            ..
        } => exit_for_path(source),
        _ => Exit::Internal,
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn listen_hint(port: u16, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::AddrInUse => Some(format!(
            "`ss -ltnp sport = :{port}` names who has it; port 0 takes a free one"
        )),
        ErrorKind::AddrNotAvailable => Some("the address must be one of this machine's".into()),
        ErrorKind::PermissionDenied => Some("ports below 1024 need a privilege".into()),
        _ => None,
    }
}

/// Returns the hint about a file of the same name with the ending or the folder that the
/// user left out.
fn similar(path: &Path) -> Option<String> {
    let named = path.with_extension("toml");
    let catalogue = Path::new("scenarios").join(named.file_name()?);
    let found = [named, catalogue]
        .into_iter()
        // The file as it was named cannot be read, so it is not suggested.
        .find(|candidate| candidate != path && candidate.is_file())?;
    Some(format!("there is {}", found.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_is_refused_with_its_own_hint() {
        let missing = TestbedError::ProgramMissing {
            program: "nginx",
            hint: "install it".to_owned(),
        };
        let failure = CliFailure::from(RunError::Testbed(missing));
        assert_eq!(failure.exit(), Exit::Refused);
        expect_test::expect![[r#"
            error: cannot find the program nginx on this machine
              = hint: install it"#]]
        .assert_eq(&failure.text);
    }
}
