//! A local worker's registration with its coordinator, from hello to go.
//!
//! `control::message` has the diagram of the messages.

use std::net::{IpAddr, SocketAddr};

use highwater_scenarios::DataTable;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    error::{JOIN_TIMEOUT, WorkerError},
    prepared::Prepared,
    source_address::check_sources,
    worker_run::RunLink,
};
use crate::{
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
    /// The local addresses of sockets; none leave the choice to the kernel.
    pub bind: Vec<IpAddr>,
}

/// Takes part in one run, from hello to done. Ends at once, with its sockets, if the link to
/// the coordinator ends.
pub async fn run(options: WorkerOptions) -> Result<(), WorkerError> {
    check_sources(&options.bind)?;
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
    let prepared = Prepared::launch(*assignment, rows, options.bind)
        .await?
        .launched()
        .await?;
    writer.send(&FromWorker::Ready).await?;
    let (origin, ramp_second) = receive_go(&mut reader, remote_clock).await?;
    let clock = RunClock::starting_at(origin);
    let ramp = clock.instant_of_second(ramp_second);
    let link = RunLink {
        reader,
        writer,
        // The kernel breaks the link to a machine that is gone.
        last_sends: None,
    };
    prepared.run(clock, ramp, None, link).await
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
