//! A worker's registration with the coordinator, from hello to go.
//!
//! `control::message` has the diagram of the messages.

use std::net::SocketAddr;

use highwater_scenarios::DataTable;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    attack::Attack,
    context::Clients,
    dialect::{Dialect, for_system},
    error::{JOIN_TIMEOUT, WorkerError},
    login::LoginClient,
    values::PoolValues,
    worker_run::{WorkerRun, attack_result},
};
use crate::{
    access::ClientOptions,
    clock::RunClock,
    control::{
        Assignment, ControlLink, CoordinatorReader, CoordinatorWriter, FromWorker, Hello,
        LinkError, ToWorker, message::PROTOCOL, offset::RemoteClock,
    },
    sampling::raise_open_files,
};

/// Pings that ask for the coordinator's clock; the quickest answer counts.
const CLOCK_PINGS: u32 = 8;

/// The coordinator that a worker joins.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The coordinator's control address.
    pub coordinator: SocketAddr,
    /// The shared secret of the run.
    pub token: String,
}

/// Takes part in one run, from hello to done. Ends at once, with its sockets, if the link to
/// the coordinator ends.
pub async fn run(options: WorkerOptions) -> Result<(), WorkerError> {
    join(options, None).await
}

/// Takes part in one run as [`run`] does, with a dialect of the caller's own.
///
/// `dialect` takes the place of the one that the plan names. The plan's own still decides
/// what its scenario may contain: topics and telemetry need `dialect = "highwater"`.
pub async fn run_with_dialect(
    options: WorkerOptions,
    dialect: &'static dyn Dialect,
) -> Result<(), WorkerError> {
    join(options, Some(dialect)).await
}

async fn join(
    options: WorkerOptions,
    dialect: Option<&'static dyn Dialect>,
) -> Result<(), WorkerError> {
    let open_files = raise_open_files().map_err(WorkerError::OpenFiles)?;
    let address = options.coordinator;
    let stream = TcpStream::connect(address)
        .await
        .map_err(|source| WorkerError::Unreachable { address, source })?;
    let link = ControlLink::<FromWorker, ToWorker>::new(stream).map_err(LinkError::from)?;
    let ControlLink {
        mut reader,
        mut writer,
    } = link;
    let hello = Hello {
        protocol: PROTOCOL,
        token: options.token,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        open_files,
    };
    writer.send(&FromWorker::Hello(hello)).await?;
    let assignment = receive_assignment(&mut reader).await?;
    let rows = receive_rows(&mut reader, &assignment).await?;
    // Measured while this process is idle: a launch of users would delay the answers.
    let remote_clock = measure_remote_clock(&mut reader, &mut writer).await?;
    let (context_sender, context) = watch::channel(None);
    let client_options = ClientOptions::new(&assignment.access)?;
    let clients = prepare_clients(&assignment, rows, client_options)?;
    let attack = Attack::new(
        &assignment.plan,
        assignment.segment,
        &clients.options,
        context,
    )?;
    let ready = attack.ready();
    // Goose takes seconds to launch thousands of users. They are launched before the go,
    // so that the ramp starts with all of them.
    let mut attack = tokio::spawn(attack.run());
    tokio::select! {
        () = ready => writer.send(&FromWorker::Ready).await?,
        outcome = &mut attack => attack_result(outcome)?,
    }
    let (origin, ramp_second) = receive_go(&mut reader, remote_clock).await?;
    let clock = RunClock::starting_at(origin);
    let dialect = dialect.unwrap_or_else(|| for_system(&assignment.plan.system));
    WorkerRun::new(
        *assignment,
        dialect,
        clients,
        clock,
        clock.instant_of_second(ramp_second),
        context_sender,
    )
    .run_until_done(reader, writer, attack)
    .await
}

async fn receive_assignment(
    reader: &mut CoordinatorReader,
) -> Result<Box<Assignment>, WorkerError> {
    match receive_in_time(reader).await? {
        ToWorker::Assignment(assignment) => Ok(assignment),
        ToWorker::Rejected { reason } => Err(WorkerError::Rejected(reason)),
        _ => Err(WorkerError::UnexpectedMessage("the assignment")),
    }
}

/// Receives this worker's rows of the pools' data files. Returns a table for each pool.
async fn receive_rows(
    reader: &mut CoordinatorReader,
    assignment: &Assignment,
) -> Result<Vec<DataTable>, WorkerError> {
    let mut tables = Vec::new();
    for (pool, number) in assignment.plan.devices.iter().zip(0..) {
        let Some(data) = &pool.data else {
            tables.push(DataTable::default());
            continue;
        };
        let mut table = DataTable::new(data.columns.len());
        while table.rows() < assignment.segment.share_of(pool.count) {
            match receive_in_time(reader).await? {
                ToWorker::DeviceRows { pool, rows } if pool == number && rows.rows() > 0 => {
                    if !table.append(&rows) {
                        return Err(WorkerError::UnexpectedMessage("whole rows of a data file"));
                    }
                }
                _ => return Err(WorkerError::UnexpectedMessage("rows of a data file")),
            }
        }
        table.shrink_to_fit();
        tables.push(table);
    }
    Ok(tables)
}

/// Compiles the texts of the plan, and makes the client of logins where a pool has one.
fn prepare_clients(
    assignment: &Assignment,
    rows: Vec<DataTable>,
    options: ClientOptions,
) -> Result<Clients, WorkerError> {
    let (plan, segment) = (&assignment.plan, assignment.segment);
    let pools = PoolValues::compile_all(plan, segment, rows, &options)?;
    let has_login = pools.iter().any(|pool| pool.login.is_some());
    let login = has_login.then(|| LoginClient::new(&options)).transpose()?;
    Ok(Clients {
        options,
        pools,
        login,
    })
}

async fn measure_remote_clock(
    reader: &mut CoordinatorReader,
    writer: &mut CoordinatorWriter,
) -> Result<RemoteClock, WorkerError> {
    let mut best: Option<RemoteClock> = None;
    for number in 0..CLOCK_PINGS {
        let sent = Instant::now();
        writer.send(&FromWorker::Ping { number }).await?;
        match receive_in_time(reader).await? {
            ToWorker::Pong {
                number: answered,
                clock_us,
            } if answered == number => {
                let observed = RemoteClock::observed(sent, Instant::now(), clock_us);
                best = Some(best.map_or(observed, |best| best.more_precise(observed)));
            }
            _ => return Err(WorkerError::UnexpectedMessage("the answer to a ping")),
        }
    }
    best.ok_or(WorkerError::CoordinatorTimeout)
}

/// Waits without a limit: other workers may take long to become ready.
async fn receive_go(
    reader: &mut CoordinatorReader,
    remote_clock: RemoteClock,
) -> Result<(Instant, u64), WorkerError> {
    match reader.receive().await? {
        ToWorker::Go {
            origin_us,
            ramp_second,
        } => Ok((remote_clock.local_instant(origin_us), ramp_second)),
        _ => Err(WorkerError::UnexpectedMessage("the go")),
    }
}

/// Receives an answer that the coordinator owes at once.
async fn receive_in_time(reader: &mut CoordinatorReader) -> Result<ToWorker, WorkerError> {
    match timeout(JOIN_TIMEOUT, reader.receive()).await {
        Ok(message) => Ok(message?),
        Err(_) => Err(WorkerError::CoordinatorTimeout),
    }
}
