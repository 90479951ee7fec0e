//! The registration of workers: they join, get their share and become ready.
//!
//! ```text
//! listener ──accept──► hello ──token, protocol──► files ──► assignment ──► ready
//!                        └──── otherwise: Rejected ◄┘
//! ```

use std::{sync::Arc, time::Duration};

use highwater_scenarios::{Plan, Segment};
use subtle::ConstantTimeEq;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::error::RunError;
use crate::{
    access::ClientAccess,
    control::{Assignment, ControlLink, FromWorker, Hello, LinkError, ToWorker, message::PROTOCOL},
    endpoints::Endpoints,
};

/// Longest time from a connection to its hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time that local workers may take to join, and any worker to become ready.
pub const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections whose hello is awaited at the same time. Further ones are closed, because
/// any process can reach the control address.
const MAX_PENDING_HELLOS: usize = 256;

/// The coordinator's end of a worker's link.
pub type WorkerLink = ControlLink<ToWorker, FromWorker>;

/// A worker that is ready for the go.
pub struct ReadyWorker {
    /// `w1`, …
    pub id: String,
    /// The worker's part of the plan.
    pub segment: Segment,
    /// The coordinator's end of the worker's link.
    pub link: WorkerLink,
}

/// The run as workers need it before they start.
pub struct RunSpec {
    /// The plan of the run.
    pub plan: Plan,
    /// The system's addresses.
    pub endpoints: Endpoints,
    /// Certificates, header fields and tokens of clients.
    pub access: ClientAccess,
    /// Number of workers.
    pub count: u32,
    /// The shared secret of the run.
    pub token: String,
    /// Instant 0 of the clock that pings are answered with.
    pub clock_base: Instant,
}

/// Waits until all workers are ready. One with a wrong token or protocol is rejected, and
/// the wait goes on.
pub async fn wait_for_workers(
    listener: TcpListener,
    spec: Arc<RunSpec>,
    within: Duration,
) -> Result<Vec<ReadyWorker>, RunError> {
    let deadline = Instant::now() + within;
    let wanted = spec.count;
    let (joined, mut joins) = mpsc::channel(MAX_PENDING_HELLOS);
    let accepting = tokio::spawn(accept(listener, spec.clone(), joined));
    let _accepting = AbortOnDropHandle::new(accepting);
    let mut preparing = JoinSet::new();
    let mut ready = Vec::new();
    let mut next = 0;
    while ready.len() < wanted as usize {
        tokio::select! {
            // Further workers wait in the queue, and their links end with it.
            Some((hello, mut link)) = joins.recv(), if next < wanted => {
                check_open_files(&spec, hello.open_files, &mut link).await?;
                preparing.spawn(prepare_worker(spec.clone(), next, link));
                next += 1;
            }
            Some(prepared) = preparing.join_next(), if !preparing.is_empty() => {
                match prepared {
                    Ok(prepared) => ready.push(prepared?),
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
            () = tokio::time::sleep_until(deadline) => {
                return Err(RunError::WorkersNotReady {
                    ready: ready.len() as u32,
                    wanted,
                    after: within,
                });
            }
        }
    }
    // Workers become ready in any order.
    ready.sort_by_key(|worker| worker.segment.index());
    Ok(ready)
}

/// Rejects a worker whose `limit` of open files is below what the largest share needs.
async fn check_open_files(
    spec: &RunSpec,
    limit: u64,
    link: &mut WorkerLink,
) -> Result<(), RunError> {
    if spec.plan.workers_needed(limit) <= spec.count {
        return Ok(());
    }
    // The first share is the largest: what does not divide evenly goes to the first ones.
    let needed = Segment::new(0, spec.count).map_or(0, |first| first.share_of(spec.plan.sockets()));
    let reason = format!(
        "its share of the run needs more than {needed} open files, and its limit is {limit}"
    );
    // The run fails in any case, with the same reason.
    let _ = link.writer.send(&ToWorker::Rejected { reason }).await;
    Err(RunError::OpenFileLimitTooLow { needed, limit })
}

async fn accept(
    listener: TcpListener,
    spec: Arc<RunSpec>,
    joined: mpsc::Sender<(Hello, WorkerLink)>,
) {
    let mut hellos = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Most likely out of files. Retried, because other connections may close.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Only takes the finished ones out, so that they do not count as pending.
        while hellos.try_join_next().is_some() {}
        if hellos.len() < MAX_PENDING_HELLOS {
            hellos.spawn(receive_hello(stream, spec.clone(), joined.clone()));
        }
    }
}

async fn receive_hello(
    stream: TcpStream,
    spec: Arc<RunSpec>,
    joined: mpsc::Sender<(Hello, WorkerLink)>,
) {
    let Ok(mut link) = WorkerLink::unauthenticated(stream) else {
        return;
    };
    let Ok(Ok(FromWorker::Hello(hello))) = timeout(HELLO_TIMEOUT, link.reader.receive()).await
    else {
        return;
    };
    match rejection_reason(&spec, &hello) {
        None => {
            link.reader.raise_frame_limit();
            // An error says that all workers have joined: this worker is one too many.
            let _ = joined.send((hello, link)).await;
        }
        Some(reason) => {
            // An error says that the worker has closed its link, and needs no reason.
            let _ = link.writer.send(&ToWorker::Rejected { reason }).await;
        }
    }
}

fn rejection_reason(spec: &RunSpec, hello: &Hello) -> Option<String> {
    // In constant time: otherwise the time of an answer would tell how much of a guess is
    // right.
    if !bool::from(spec.token.as_bytes().ct_eq(hello.token.as_bytes())) {
        return Some("the token is not this run's".to_owned());
    }
    (hello.protocol != PROTOCOL).then(|| {
        format!(
            "its control protocol is {} (version {}), the coordinator's {PROTOCOL} (version {})",
            hello.protocol,
            hello.version,
            env!("CARGO_PKG_VERSION")
        )
    })
}

/// Sends a worker its share, answers its pings, and waits until it is ready.
async fn prepare_worker(
    spec: Arc<RunSpec>,
    index: u32,
    mut link: WorkerLink,
) -> Result<ReadyWorker, RunError> {
    let id = format!("w{}", index + 1);
    let failed = |reason: String| RunError::WorkerFailedBeforeStart {
        id: id.clone(),
        reason,
    };
    let segment = Segment::new(index, spec.count).map_err(|error| failed(error.to_string()))?;
    let assignment = Assignment {
        id: id.clone(),
        plan: spec.plan.clone(),
        segment,
        endpoints: spec.endpoints.clone(),
        access: spec.access.clone(),
    };
    let prepared = wait_until_ready(&mut link, assignment, spec.clock_base);
    match timeout(REGISTRATION_TIMEOUT, prepared).await {
        Ok(Ok(())) => Ok(ReadyWorker { id, segment, link }),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("it did not become ready in time".to_owned())),
    }
}

async fn wait_until_ready(
    link: &mut WorkerLink,
    assignment: Assignment,
    base: Instant,
) -> Result<(), LinkError> {
    let assignment = ToWorker::Assignment(Box::new(assignment));
    link.writer.send(&assignment).await?;
    loop {
        match link.reader.receive().await? {
            // Answered at once: a worker takes half of the round trip as the error of its
            // clock.
            FromWorker::Ping { number } => {
                let clock_us = base.elapsed().as_micros() as u64;
                let pong = ToWorker::Pong { number, clock_us };
                link.writer.send(&pong).await?;
            }
            FromWorker::Ready => return Ok(()),
            _ => return Err(LinkError::Closed),
        }
    }
}
