//! Workers join, are told their share, and become ready.

use std::{sync::Arc, time::Duration};

use highwater_scenarios::{Plan, Segment};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::error::RunError;
use crate::{
    access::ClientAccess,
    control::{Assignment, ControlLink, FromWorker, Hello, LinkError, ToWorker, message::PROTOCOL},
    endpoints::Endpoints,
};

/// How long a connection may take to say who it is.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long local workers may take to join and to become ready.
pub const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections that may be saying hello at once.
const MAX_PENDING_HELLOS: usize = 256;

/// The coordinator's end of a worker's link.
pub type WorkerLink = ControlLink<ToWorker, FromWorker>;

/// A worker that stands ready.
pub struct ReadyWorker {
    /// `w1`, …
    pub id: String,
    /// Which part of the plan it has.
    pub segment: Segment,
    /// Process id on its own machine.
    pub pid: u32,
    /// Its link.
    pub link: WorkerLink,
}

/// What workers need to know before they start.
pub struct RunSpec {
    /// What the run does.
    pub plan: Plan,
    /// The system's addresses.
    pub endpoints: Endpoints,
    /// What is needed to be let in there.
    pub access: ClientAccess,
    /// How many workers the run has.
    pub count: u32,
    /// Shared secret of the run.
    pub token: String,
    /// Zero of the clock that workers are told.
    pub clock_base: Instant,
}

/// Waits for all workers; those that do not fit are refused and the wait goes on.
pub async fn wait_for_workers(
    listener: TcpListener,
    spec: Arc<RunSpec>,
    within: Duration,
) -> Result<Vec<ReadyWorker>, RunError> {
    let deadline = Instant::now() + within;
    let wanted = spec.count;
    let (joined, mut joins) = mpsc::channel(MAX_PENDING_HELLOS);
    let door = tokio::spawn(accept(listener, spec.clone(), joined));
    let _door = AbortOnDropHandle::new(door);
    let mut preparing = JoinSet::new();
    let mut ready = Vec::new();
    let mut next = 0;
    while ready.len() < wanted as usize {
        tokio::select! {
            join = joins.recv(), if next < wanted => {
                let Some((hello, link)) = join else { break };
                if let Some((hello, link)) = check_open_files(&spec, hello, link).await? {
                    preparing.spawn(prepare_worker(spec.clone(), next, hello, link));
                    next += 1;
                }
            }
            Some(prepared) = preparing.join_next(), if !preparing.is_empty() => {
                match prepared {
                    Ok(prepared) => ready.push(prepared?),
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    if ready.len() < wanted as usize {
        let ready = ready.len() as u32;
        return Err(RunError::WorkersNotReady {
            ready,
            wanted,
            after: within,
        });
    }
    ready.sort_by_key(|worker| worker.segment.index());
    Ok(ready)
}

/// Open files that the biggest share needs, and what a worker may have.
async fn check_open_files(
    spec: &RunSpec,
    hello: Hello,
    mut link: WorkerLink,
) -> Result<Option<(Hello, WorkerLink)>, RunError> {
    if spec.plan.workers_needed(hello.open_files) <= spec.count {
        return Ok(Some((hello, link)));
    }
    let needed = Segment::new(0, spec.count).map_or(0, |first| first.share_of(spec.plan.sockets()));
    let limit = hello.open_files;
    let reason =
        format!("its share of the run needs more than {needed} open files and it may have {limit}");
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
            // Out of files, most likely: others may free some.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
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
            let _ = joined.send((hello, link)).await;
        }
        Some(reason) => {
            let _ = link.writer.send(&ToWorker::Rejected { reason }).await;
        }
    }
}

fn rejection_reason(briefing: &RunSpec, hello: &Hello) -> Option<String> {
    if !constant_time_eq(&briefing.token, &hello.token) {
        return Some("the token is not this run's".to_owned());
    }
    (hello.protocol != PROTOCOL).then(|| {
        format!(
            "it speaks control protocol {} (version {}), the coordinator {PROTOCOL} (version {})",
            hello.protocol,
            hello.version,
            env!("CARGO_PKG_VERSION")
        )
    })
}

/// Takes as long for a wrong secret as for the right one.
fn constant_time_eq(ours: &str, theirs: &str) -> bool {
    ours.len() == theirs.len()
        && ours
            .bytes()
            .zip(theirs.bytes())
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

/// Tells a worker its share, answers its questions about the clock, and waits
/// until it is ready.
async fn prepare_worker(
    spec: Arc<RunSpec>,
    index: u32,
    hello: Hello,
    mut link: WorkerLink,
) -> Result<ReadyWorker, RunError> {
    let id = format!("w{}", index + 1);
    let fell_out = |reason: String| RunError::WorkerFailedBeforeStart {
        id: id.clone(),
        reason,
    };
    let segment = Segment::new(index, spec.count).map_err(|error| fell_out(error.to_string()))?;
    let assignment = Assignment {
        id: id.clone(),
        plan: spec.plan.clone(),
        segment,
        endpoints: spec.endpoints.clone(),
        access: spec.access.clone(),
    };
    let deadline = Instant::now() + REGISTRATION_TIMEOUT;
    let prepared = timeout_at(
        deadline,
        wait_until_ready(&mut link, assignment, spec.clock_base),
    )
    .await;
    match prepared {
        Ok(Ok(())) => Ok(ReadyWorker {
            id,
            segment,
            pid: hello.pid,
            link,
        }),
        Ok(Err(error)) => Err(fell_out(error.to_string())),
        Err(_) => Err(fell_out("it did not become ready in time".to_owned())),
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
            FromWorker::Ping { number } => {
                let clock_us = base.elapsed().as_micros() as u64;
                link.writer
                    .send(&ToWorker::Pong { number, clock_us })
                    .await?;
            }
            FromWorker::Ready => return Ok(()),
            _ => return Err(LinkError::Closed),
        }
    }
}
