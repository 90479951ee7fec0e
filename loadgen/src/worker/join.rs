//! The conversation with the coordinator, from hello to done.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    attack::{Attack, AttackError},
    context::{Context, Signals},
    recorder::Level,
    reporter,
};
use crate::{
    access::{ClientOptions, TlsSetupError},
    clock::RunClock,
    control::{
        Assignment, ControlLink, FromWorker, Hello, LinkError, LinkReader, LinkWriter, ToWorker,
        message::PROTOCOL, offset::RemoteClock,
    },
    sampling::raise_open_files,
};

/// Questions for the coordinator's clock; the quickest answer counts.
const CLOCK_PINGS: u32 = 8;
/// How long the coordinator may take to answer while a worker joins.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);

/// A worker whose sockets have heard no message for this long has heard all.
const RECEIVE_IDLE_TIMEOUT: Duration = Duration::from_secs(1);
/// And longer than this it does not wait; the coordinator counts with it.
const MAX_RECEIVE_WAIT: Duration = Duration::from_secs(10);
/// How often a worker in the drain looks what is still under way.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Devices of one message about readings.
const UNACCEPTED_PER_MESSAGE: usize = 2_000;

/// How to become a worker.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The coordinator's control address.
    pub coordinator: SocketAddr,
    /// Shared secret of the run.
    pub token: String,
}

/// Why a worker ended before its work was done.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The coordinator does not answer there.
    #[error("cannot reach the coordinator at {address}")]
    Unreachable {
        /// Its control address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The coordinator does not want this worker.
    #[error("the coordinator refused this worker: {0}")]
    Rejected(String),
    /// The coordinator said something out of turn.
    #[error("the coordinator said {0} when it was not its turn")]
    UnexpectedMessage(&'static str),
    /// The coordinator said nothing for too long.
    #[error("the coordinator did not answer within {} s", JOIN_TIMEOUT.as_secs())]
    CoordinatorTimeout,
    /// The limit of open files cannot be read or raised.
    #[error("cannot raise the limit of open files")]
    OpenFiles(#[source] std::io::Error),
    /// The control link ended.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The system's certificates could not be verified by anything.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The load could not be put on.
    #[error(transparent)]
    Attack(#[from] AttackError),
}

type CoordinatorReader = LinkReader<ToWorker>;
type CoordinatorWriter = LinkWriter<FromWorker>;

/// Takes part in one run, from joining to its end. Ends at once, with its
/// sockets, when the coordinator is gone.
pub async fn run(options: WorkerOptions) -> Result<(), WorkerError> {
    let open_files = raise_open_files().map_err(WorkerError::OpenFiles)?;
    let address = options.coordinator;
    let stream = TcpStream::connect(address)
        .await
        .map_err(|source| WorkerError::Unreachable { address, source })?;
    let ControlLink {
        mut reader,
        mut writer,
    } = ControlLink::new(stream).map_err(LinkError::from)?;
    let hello = Hello {
        protocol: PROTOCOL,
        token: options.token,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        open_files,
    };
    writer.send(&FromWorker::Hello(hello)).await?;
    let assignment = receive_assignment(&mut reader).await?;
    let remote = measure_remote_clock(&mut reader, &mut writer).await?;
    let (publish, published) = watch::channel(None);
    let client_options = ClientOptions::new(&assignment.access)?;
    let attack = Attack::new(
        &assignment.plan,
        assignment.segment,
        &client_options,
        published,
    )?;
    let ready = attack.ready();
    let mut attack = tokio::spawn(attack.run());
    tokio::select! {
        () = ready => writer.send(&FromWorker::Ready).await?,
        outcome = &mut attack => attack_result(outcome)?,
    }
    let (origin, ramp_second) = receive_go(&mut reader, remote).await?;
    let clock = RunClock::starting_at(origin);
    let ramp = clock.instant_of_second(ramp_second);
    WorkerRun::new(*assignment, client_options, clock, ramp, publish)
        .run_until_done(reader, writer, attack)
        .await
}

async fn receive_assignment(
    reader: &mut CoordinatorReader,
) -> Result<Box<Assignment>, WorkerError> {
    match within_join_timeout(reader.receive()).await? {
        ToWorker::Assignment(assignment) => Ok(assignment),
        ToWorker::Rejected { reason } => Err(WorkerError::Rejected(reason)),
        _ => Err(WorkerError::UnexpectedMessage(
            "something other than the assignment",
        )),
    }
}

async fn measure_remote_clock(
    reader: &mut CoordinatorReader,
    writer: &mut CoordinatorWriter,
) -> Result<RemoteClock, WorkerError> {
    let mut best: Option<RemoteClock> = None;
    for number in 0..CLOCK_PINGS {
        let asked = Instant::now();
        writer.send(&FromWorker::Ping { number }).await?;
        let clock_us = match within_join_timeout(reader.receive()).await? {
            ToWorker::Pong {
                number: n,
                clock_us,
            } if n == number => clock_us,
            _ => {
                return Err(WorkerError::UnexpectedMessage(
                    "something other than its clock",
                ));
            }
        };
        let seen = RemoteClock::observed(asked, Instant::now(), clock_us);
        best = Some(best.map_or(seen, |best| best.more_precise(seen)));
    }
    best.ok_or(WorkerError::CoordinatorTimeout)
}

/// Waits as long as other workers take to become ready.
async fn receive_go(
    reader: &mut CoordinatorReader,
    remote: RemoteClock,
) -> Result<(Instant, u64), WorkerError> {
    match reader.receive().await? {
        ToWorker::Go {
            origin_us,
            ramp_second,
        } => Ok((remote.local_instant(origin_us), ramp_second)),
        _ => Err(WorkerError::UnexpectedMessage("something other than go")),
    }
}

async fn within_join_timeout<T>(
    answer: impl Future<Output = Result<T, LinkError>>,
) -> Result<T, WorkerError> {
    match timeout(JOIN_TIMEOUT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(WorkerError::CoordinatorTimeout),
    }
}

type AttackTask = tokio::task::JoinHandle<Result<(), AttackError>>;

fn attack_result(
    outcome: Result<Result<(), AttackError>, tokio::task::JoinError>,
) -> Result<(), WorkerError> {
    match outcome {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The worker's part of the run, from go to done.
struct WorkerRun {
    context: Arc<Context>,
    steady_sender: watch::Sender<Option<Instant>>,
    /// Dropped at the end: users that never got a context stop waiting for it.
    _context_sender: watch::Sender<Option<Arc<Context>>>,
}

impl WorkerRun {
    fn new(
        assignment: Assignment,
        client_options: ClientOptions,
        clock: RunClock,
        ramp: Instant,
        publish: watch::Sender<Option<Arc<Context>>>,
    ) -> Self {
        let (steady_sender, steady_known) = watch::channel(None);
        let context = Arc::new(Context::new(
            assignment.plan,
            assignment.segment,
            assignment.endpoints,
            client_options,
            clock,
            Signals {
                ramp,
                steady: steady_known,
                drain: CancellationToken::new(),
                close: CancellationToken::new(),
            },
        ));
        publish.send_replace(Some(context.clone()));
        Self {
            context,
            steady_sender,
            _context_sender: publish,
        }
    }

    async fn run_until_done(
        self,
        mut reader: CoordinatorReader,
        mut writer: CoordinatorWriter,
        mut attack: AttackTask,
    ) -> Result<(), WorkerError> {
        let (to_send, mut queue) = mpsc::channel(reporter::INTERVAL_QUEUE_LEN);
        let over = CancellationToken::new();
        let reports = reporter::report(self.context.clone(), over.clone(), to_send);
        tokio::spawn(reports);
        let mut outcome = None;
        loop {
            tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => writer.send(&message).await?,
                    // The last interval is out.
                    None => break,
                },
                message = reader.receive() => self.handle_message(message?)?,
                ended = &mut attack, if outcome.is_none() => {
                    outcome = Some(attack_result(ended));
                    over.cancel();
                }
            }
        }
        // A worker that broke off is not done, and its coordinator is to know.
        outcome.unwrap_or(Ok(()))?;
        // In pieces: the link bounds its messages.
        for devices in self
            .context
            .take_unaccepted_telemetry()
            .chunks(UNACCEPTED_PER_MESSAGE)
        {
            writer
                .send(&FromWorker::UnacceptedTelemetry(devices.to_vec()))
                .await?;
        }
        writer.send(&FromWorker::Done).await?;
        Ok(())
    }

    fn handle_message(&self, message: ToWorker) -> Result<(), WorkerError> {
        match message {
            ToWorker::Steady { second } => {
                self.steady_sender
                    .send_replace(Some(self.context.clock.instant_of_second(second)));
            }
            ToWorker::Endpoints(endpoints) => self.context.set_endpoints(endpoints),
            ToWorker::Drain { second } => {
                tokio::spawn(drain(self.context.clone(), second));
            }
            _ => {
                return Err(WorkerError::UnexpectedMessage(
                    "something from before the start",
                ));
            }
        }
        Ok(())
    }
}

/// From `second` on no new work is begun; sockets close once every command in flight
/// has its outcome and every reading is accepted, so that closing them fails none.
async fn drain(context: Arc<Context>, second: u64) {
    let at = context.clock.instant_of_second(second);
    sleep_until(at).await;
    context.set_drain_at(at);
    context.signals.drain.cancel();
    let recorder = &context.recorder;
    let under_way = || {
        let levels = [
            Level::CommandsInFlight,
            Level::MessagesInFlight,
            Level::TelemetryPending,
        ];
        levels
            .map(|level| recorder.level(level))
            .iter()
            .sum::<i64>()
    };
    let deadline = Instant::now() + context.plan.longest_response_wait() + Duration::from_secs(1);
    loop {
        // At least once: what fell due in the last instant is begun by its own task.
        tokio::time::sleep(POLL_INTERVAL).await;
        if under_way() <= 0 || Instant::now() >= deadline {
            break;
        }
    }
    if !context.plan.publish.is_empty() {
        wait_until_idle(&context).await;
    }
    context.signals.close.cancel();
}

/// Other workers' messages may still be on their way: sockets stay open until
/// none has come for a while.
async fn wait_until_idle(context: &Context) {
    let deadline = Instant::now() + MAX_RECEIVE_WAIT;
    let mut heard = context.messages_received();
    let mut since = Instant::now();
    while since.elapsed() < RECEIVE_IDLE_TIMEOUT && Instant::now() < deadline {
        tokio::time::sleep(POLL_INTERVAL).await;
        let now = context.messages_received();
        if now != heard {
            (heard, since) = (now, Instant::now());
        }
    }
}
