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
    access::Access,
    control::{Assignment, FromWorker, Hello, Link, LinkError, ToWorker, message::PROTOCOL},
    endpoints::Endpoints,
};

/// How long a connection may take to say who it is.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// How long local workers may take to join and to become ready.
pub const ASSEMBLY_TIMEOUT: Duration = Duration::from_secs(60);
/// Connections that may be saying hello at once.
const HELLOS: usize = 256;

/// The coordinator's end of a worker's link.
pub type WorkerLink = Link<ToWorker, FromWorker>;

/// A worker that stands ready.
pub struct Ready {
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
pub struct Briefing {
    /// What the run does.
    pub plan: Plan,
    /// The system's addresses.
    pub endpoints: Endpoints,
    /// What is needed to be let in there.
    pub access: Access,
    /// How many workers the run has.
    pub count: u32,
    /// Shared secret of the run.
    pub token: String,
    /// Zero of the clock that workers are told.
    pub base: Instant,
}

/// Waits for all workers; those that do not fit are refused and the wait goes on.
pub async fn assemble(
    listener: TcpListener,
    briefing: Arc<Briefing>,
    within: Duration,
) -> Result<Vec<Ready>, RunError> {
    let deadline = Instant::now() + within;
    let wanted = briefing.count;
    let (joined, mut joins) = mpsc::channel(HELLOS);
    let door = tokio::spawn(open_door(listener, briefing.clone(), joined));
    let _door = AbortOnDropHandle::new(door);
    let mut preparing = JoinSet::new();
    let mut ready = Vec::new();
    let mut next = 0;
    while ready.len() < wanted as usize {
        tokio::select! {
            join = joins.recv(), if next < wanted => {
                let Some((hello, link)) = join else { break };
                if let Some((hello, link)) = big_enough(&briefing, hello, link).await? {
                    preparing.spawn(prepare(briefing.clone(), next, hello, link));
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
        return Err(RunError::Workers {
            ready,
            wanted,
            after: within,
        });
    }
    ready.sort_by_key(|worker| worker.segment.index());
    Ok(ready)
}

/// Open files that the biggest share needs, and what a worker may have.
async fn big_enough(
    briefing: &Briefing,
    hello: Hello,
    mut link: WorkerLink,
) -> Result<Option<(Hello, WorkerLink)>, RunError> {
    if briefing.plan.workers_needed(hello.open_files) <= briefing.count {
        return Ok(Some((hello, link)));
    }
    let needed =
        Segment::new(0, briefing.count).map_or(0, |first| first.share_of(briefing.plan.sockets()));
    let limit = hello.open_files;
    let reason =
        format!("its share of the run needs more than {needed} open files and it may have {limit}");
    let _ = link.writer.send(&ToWorker::Refused { reason }).await;
    Err(RunError::WorkerTooSmall { needed, limit })
}

async fn open_door(
    listener: TcpListener,
    briefing: Arc<Briefing>,
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
        if hellos.len() < HELLOS {
            hellos.spawn(hello(stream, briefing.clone(), joined.clone()));
        }
    }
}

async fn hello(
    stream: TcpStream,
    briefing: Arc<Briefing>,
    joined: mpsc::Sender<(Hello, WorkerLink)>,
) {
    let Ok(mut link) = WorkerLink::with_stranger(stream) else {
        return;
    };
    let Ok(Ok(FromWorker::Hello(hello))) = timeout(HELLO_TIMEOUT, link.reader.receive()).await
    else {
        return;
    };
    match objection(&briefing, &hello) {
        None => {
            link.reader.trust();
            let _ = joined.send((hello, link)).await;
        }
        Some(reason) => {
            let _ = link.writer.send(&ToWorker::Refused { reason }).await;
        }
    }
}

fn objection(briefing: &Briefing, hello: &Hello) -> Option<String> {
    if !same_secret(&briefing.token, &hello.token) {
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
fn same_secret(ours: &str, theirs: &str) -> bool {
    ours.len() == theirs.len()
        && ours
            .bytes()
            .zip(theirs.bytes())
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

/// Tells a worker its share, answers its questions about the clock, and waits
/// until it is ready.
async fn prepare(
    briefing: Arc<Briefing>,
    index: u32,
    hello: Hello,
    mut link: WorkerLink,
) -> Result<Ready, RunError> {
    let id = format!("w{}", index + 1);
    let fell_out = |reason: String| RunError::WorkerFellOut {
        id: id.clone(),
        reason,
    };
    let segment =
        Segment::new(index, briefing.count).map_err(|error| fell_out(error.to_string()))?;
    let assignment = Assignment {
        id: id.clone(),
        plan: briefing.plan.clone(),
        segment,
        endpoints: briefing.endpoints.clone(),
        access: briefing.access.clone(),
    };
    let deadline = Instant::now() + ASSEMBLY_TIMEOUT;
    let prepared = timeout_at(deadline, until_ready(&mut link, assignment, briefing.base)).await;
    match prepared {
        Ok(Ok(())) => Ok(Ready {
            id,
            segment,
            pid: hello.pid,
            link,
        }),
        Ok(Err(error)) => Err(fell_out(error.to_string())),
        Err(_) => Err(fell_out("it did not become ready in time".to_owned())),
    }
}

async fn until_ready(
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
