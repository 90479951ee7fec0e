//! The registration of workers: they join, get their share and become ready.
//!
//! ```text
//! hellos.rs ──joined──► files ──► assignment ──► ready
//!     └──rejected──► note     every 10 s: which workers are missing
//! ```

use std::{sync::Arc, time::Duration};

use highwater_scenarios::{Plan, Segment};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    error::RunError,
    hellos::{Arrival, MAX_PENDING_HELLOS, accept},
    join_status::JoinStatus,
    progress::NoteKind,
    start_notes::{NOTE_INTERVAL, StartNotes},
};
use crate::{
    access::ClientAccess,
    control::{Assignment, FromWorker, LinkError, ToWorker},
    endpoints::Endpoints,
};

pub use super::hellos::WorkerLink;

/// Longest time that local workers may take to join, and any worker to become ready.
pub const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(60);

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
    /// Longest time that the workers may take.
    pub within: Duration,
    /// The way in which a person starts a missing worker.
    pub how_to_start: String,
    /// Instant 0 of the clock that pings are answered with.
    pub clock_base: Instant,
}

/// Waits until all workers are ready, and notes meanwhile which ones are missing. One with a
/// wrong token or protocol is rejected, and the wait goes on.
pub async fn wait_for_workers(
    listener: TcpListener,
    spec: Arc<RunSpec>,
    notes: &StartNotes,
) -> Result<Vec<ReadyWorker>, RunError> {
    let started = Instant::now();
    let deadline = started + spec.within;
    let wanted = spec.count;
    let (sender, mut arrivals) = mpsc::channel(MAX_PENDING_HELLOS);
    let accepting = tokio::spawn(accept(listener, spec.token.as_str().into(), sender));
    let _accepting = AbortOnDropHandle::new(accepting);
    let mut status = JoinStatus::new(wanted, spec.how_to_start.clone());
    let mut status_ticks = interval_at(started + NOTE_INTERVAL, NOTE_INTERVAL);
    status_ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut preparing = JoinSet::new();
    let mut ready: Vec<ReadyWorker> = Vec::new();
    let mut next = 0;
    while ready.len() < wanted as usize {
        tokio::select! {
            Some(arrival) = arrivals.recv() => match arrival {
                Arrival::Joined { hello, address, mut link } if next < wanted => {
                    check_open_files(&spec, hello.open_files, &mut link).await?;
                    status.record_joined(&worker_id(next), address);
                    preparing.spawn(prepare_worker(spec.clone(), next, *link));
                    next += 1;
                }
                // One worker too many: its link ends here.
                Arrival::Joined { .. } => {}
                Arrival::Rejected { address, reason } => {
                    if let Some(text) = status.record_rejected(address, &reason) {
                        notes.add(NoteKind::Problem, text);
                    }
                }
            },
            Some(prepared) = preparing.join_next(), if !preparing.is_empty() => {
                match prepared {
                    Ok(prepared) => {
                        let worker: ReadyWorker = prepared?;
                        status.record_ready(&worker.id);
                        ready.push(worker);
                    }
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                }
            }
            _ = status_ticks.tick() => {
                let left = deadline.saturating_duration_since(Instant::now());
                notes.add(NoteKind::Event, status.text(started.elapsed(), left));
            }
            () = tokio::time::sleep_until(deadline) => {
                return Err(RunError::WorkersNotReady {
                    ready: ready.len() as u32,
                    wanted,
                    after: spec.within,
                    rejected: status.rejected(),
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

/// Sends a worker its share, answers its pings, and waits until it is ready.
async fn prepare_worker(
    spec: Arc<RunSpec>,
    index: u32,
    mut link: WorkerLink,
) -> Result<ReadyWorker, RunError> {
    let id = worker_id(index);
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

fn worker_id(index: u32) -> String {
    format!("w{}", index + 1)
}

async fn wait_until_ready(
    link: &mut WorkerLink,
    assignment: Assignment,
    base: Instant,
) -> Result<(), LinkError> {
    let (plan, segment) = (assignment.plan.clone(), assignment.segment);
    let assignment = ToWorker::Assignment(Box::new(assignment));
    link.writer.send(&assignment).await?;
    send_rows(link, &plan, segment).await?;
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

/// Sends a worker its rows of the pools' data files, and no other row.
async fn send_rows(link: &mut WorkerLink, plan: &Plan, segment: Segment) -> Result<(), LinkError> {
    for (device_pool, pool) in plan.devices.iter().zip(0..) {
        let Some(data) = &device_pool.data else {
            continue;
        };
        for rows in data.table.0.chunks_of(segment.indices(device_pool.count)) {
            link.writer
                .send(&ToWorker::DeviceRows { pool, rows })
                .await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::net::TcpStream;

    use super::*;
    use crate::control::{ControlLink, Hello, message::PROTOCOL};

    const TOKEN: &str = "the-token-of-this-run";
    const SCENARIO: &str = r#"
        name = "registration"
        duration = "1s"
        [target]
        ws = "ws://127.0.0.1:1/ws?device={device}"
        [[devices]]
        name = "home"
        count = 1
        ramp = "1/s"
        heartbeat = "1s"
    "#;

    type WorkerEnd = ControlLink<FromWorker, ToWorker>;

    fn spec() -> Arc<RunSpec> {
        Arc::new(RunSpec {
            plan: highwater_scenarios::parse("scenario.toml", SCENARIO, &[]).unwrap(),
            endpoints: Endpoints {
                ws: Vec::new(),
                http: Vec::new(),
            },
            access: ClientAccess::default(),
            count: 1,
            token: TOKEN.to_owned(),
            within: Duration::from_secs(60),
            how_to_start: String::new(),
            clock_base: Instant::now(),
        })
    }

    /// Connects and sends a hello. Returns the link and the first answer.
    async fn join(coordinator: SocketAddr, token: &str) -> (WorkerEnd, ToWorker) {
        let stream = TcpStream::connect(coordinator).await.unwrap();
        let mut link = WorkerEnd::new(stream).unwrap();
        let hello = FromWorker::Hello(Hello {
            protocol: PROTOCOL,
            token: token.to_owned(),
            version: String::new(),
            pid: 1,
            open_files: 20_000,
        });
        link.writer.send(&hello).await.unwrap();
        let answer = link.reader.receive().await.unwrap();
        (link, answer)
    }

    async fn become_ready(coordinator: SocketAddr) -> WorkerEnd {
        let (mut link, answer) = join(coordinator, TOKEN).await;
        assert!(matches!(answer, ToWorker::Assignment(_)));
        link.writer.send(&FromWorker::Ready).await.unwrap();
        link
    }

    #[tokio::test]
    async fn wrong_token_is_rejected_and_told_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (notes, mut shown) = StartNotes::new(Instant::now());
        let workers = async {
            for _ in 0..2 {
                let (_link, answer) = join(address, "the-token-of-another-run").await;
                assert!(matches!(answer, ToWorker::Rejected { .. }));
            }
            become_ready(address).await
        };
        let (ready, _link) = tokio::join!(wait_for_workers(listener, spec(), &notes), workers);
        let ready = ready.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(ready[0].id, "w1");
        assert_eq!(
            shown.try_recv().unwrap().text,
            "a worker from 127.0.0.1 was rejected: the token is not this run's"
        );
        assert!(shown.try_recv().is_err());
    }

    /// Each of two workers gets the rows of its own devices, and no other row.
    #[tokio::test]
    async fn worker_gets_the_rows_of_its_own_devices() {
        let scenario = SCENARIO
            .replace(
                "[[devices]]",
                "dialect = \"plain\"\n[[devices]]\ndata = \"t.csv\"",
            )
            .replace("count = 1", "count = 5");
        let read = |_: &str| Ok(b"token\nt0\nt1\nt2\nt3\nt4\nt5\n".to_vec());
        let plan = highwater_scenarios::parse_with_files("scenario.toml", &scenario, &[], &read);
        let plan = plan.unwrap().into_first();
        let spec = Arc::new(RunSpec {
            plan: plan.clone(),
            count: 2,
            ..Arc::into_inner(spec()).unwrap()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (notes, _shown) = StartNotes::new(Instant::now());
        let workers = async {
            let mut links = Vec::new();
            let mut received = Vec::new();
            for _ in 0..2 {
                let (mut link, answer) = join(address, TOKEN).await;
                let ToWorker::Assignment(assignment) = answer else {
                    panic!("{answer:?}");
                };
                // The plan itself carries no row.
                let data = assignment.plan.devices[0].data.clone().unwrap();
                assert_eq!((data.rows, data.table.0.rows()), (6, 0));
                let rows = link.reader.receive().await.unwrap();
                let ToWorker::DeviceRows { pool: 0, rows } = rows else {
                    panic!("{rows:?}");
                };
                let of_row = |row| rows.value(row, 0).map(str::to_owned);
                received.push((0..rows.rows()).map(of_row).collect::<Option<Vec<_>>>());
                link.writer.send(&FromWorker::Ready).await.unwrap();
                links.push(link);
            }
            (received, links)
        };
        let (ready, (received, _links)) =
            tokio::join!(wait_for_workers(listener, spec, &notes), workers);
        assert_eq!(ready.unwrap_or_else(|error| panic!("{error}")).len(), 2);
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(received, [texts(&["t0", "t2", "t4"]), texts(&["t1", "t3"])]);
    }

    #[tokio::test]
    async fn silent_connections_keep_no_worker_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (notes, _shown) = StartNotes::new(Instant::now());
        let workers = async {
            let mut silent = Vec::new();
            for _ in 0..MAX_PENDING_HELLOS + 10 {
                silent.push(TcpStream::connect(address).await.unwrap());
            }
            (become_ready(address).await, silent)
        };
        let (ready, _links) = tokio::join!(wait_for_workers(listener, spec(), &notes), workers);
        assert!(ready.is_ok());
    }
}
