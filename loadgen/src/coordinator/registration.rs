//! The registration of workers: they join, get their share and become ready.
//!
//! ```text
//! listener ──► Hello ──► token, protocol ──► open files ──► Assignment ──► Ready
//!                              │                 │
//!                              └──► Rejected ◄───┘
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

/// The longest time from the accept of a connection to its `Hello`.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time for local workers to join, and for any worker to become ready after
/// that.
pub const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(60);
/// The most connections that may be open before their `Hello`. The coordinator closes
/// further ones, because any process can reach the control address.
const MAX_PENDING_HELLOS: usize = 256;

/// The coordinator's end of the control link to a worker.
pub type WorkerLink = ControlLink<ToWorker, FromWorker>;

/// A worker that is ready to start.
pub struct ReadyWorker {
    /// The worker's name: `w1`, `w2`, …
    pub id: String,
    /// The worker's part of the plan.
    pub segment: Segment,
    /// The control link to the worker.
    pub link: WorkerLink,
}

/// The facts about a run that the registration needs: the content of the assignments, and
/// the token that workers must know.
pub struct RunSpec {
    /// The plan of the run.
    pub plan: Plan,
    /// The addresses of the system under test.
    pub endpoints: Endpoints,
    /// Certificates, header fields and tokens of clients.
    pub access: ClientAccess,
    /// The number of workers.
    pub count: u32,
    /// The shared secret of the run.
    pub token: String,
    /// The zero of the coordinator's clock, which workers read by their pings.
    pub clock_base: Instant,
}

/// Waits until all workers are ready. A worker with a wrong token or protocol is rejected,
/// and the wait continues.
pub async fn wait_for_workers(
    listener: TcpListener,
    spec: Arc<RunSpec>,
    within: Duration,
) -> Result<Vec<ReadyWorker>, RunError> {
    let deadline = Instant::now() + within;
    let wanted = spec.count;
    let (joined, mut joined_workers) = mpsc::channel(MAX_PENDING_HELLOS);
    let accepting = tokio::spawn(accept(listener, spec.clone(), joined));
    let _accepting = AbortOnDropHandle::new(accepting);
    let mut preparing = JoinSet::new();
    let mut ready = Vec::new();
    let mut next = 0;
    while ready.len() < wanted as usize {
        tokio::select! {
            // When all workers have joined, further ones stay in the queue. Their links close
            // when this function returns and drops it.
            Some((hello, mut link)) = joined_workers.recv(), if next < wanted => {
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
    // Workers become ready in any order, and the caller expects the order of segments.
    ready.sort_by_key(|worker| worker.segment.index());
    Ok(ready)
}

/// Rejects a worker if its limit of open files is too low for the largest share.
async fn check_open_files(
    spec: &RunSpec,
    limit: u64,
    link: &mut WorkerLink,
) -> Result<(), RunError> {
    if spec.plan.workers_needed(limit) <= spec.count {
        return Ok(());
    }
    // The first share is the largest, because the first workers get the remainder.
    let needed = Segment::new(0, spec.count).map_or(0, |first| first.share_of(spec.plan.sockets()));
    let reason = format!(
        "its share of the run needs more than {needed} open files, and its limit is {limit}"
    );
    // An error is ignored, because the run fails in any case, with the same reason.
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
            // Most likely this process has no free file. A later accept may succeed, because
            // other connections may close.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Removes the finished tasks, so that they do not count as pending.
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
            // An error means that registration is over, and this worker is not needed.
            let _ = joined.send((hello, link)).await;
        }
        Some(reason) => {
            // An error means that the worker has closed its link and needs no reason.
            let _ = link.writer.send(&ToWorker::Rejected { reason }).await;
        }
    }
}

fn rejection_reason(spec: &RunSpec, hello: &Hello) -> Option<String> {
    // Compared in constant time. Otherwise the time of an answer would show how many
    // characters of a guess are right.
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
            // Answered at once, because half of the round trip is the error of the worker's
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
