//! The first messages of processes that connect to the control address.
//!
//! ```text
//! listener ──accept──► hello ──delay──► token, protocol ──► joined
//!                        │                   └─ otherwise: Rejected
//!                        └─ silent for 5 s, or one of too many: closed
//! ```

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use super::token_backoff::TokenBackoff;
use crate::control::{ControlLink, FromWorker, Hello, ToWorker, message::PROTOCOL};

/// Longest time from a connection to its hello.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections whose hello is awaited or checked at the same time. A further one takes the
/// place of the oldest, because any process can reach the control address and be silent.
pub(super) const MAX_PENDING_HELLOS: usize = 256;
/// Most such connections of one address that sent a wrong token.
const MAX_PENDING_SUSPECTS: usize = 8;
/// Most characters of a version that a rejection quotes.
const MAX_VERSION_CHARS: usize = 40;

/// The coordinator's end of a worker's link.
pub type WorkerLink = ControlLink<ToWorker, FromWorker>;

/// A process that sent a hello.
pub(super) enum Arrival {
    /// A worker of this run.
    Joined {
        hello: Hello,
        address: SocketAddr,
        // Boxed, because it is much larger than a rejection.
        link: Box<WorkerLink>,
    },
    /// A process that cannot take part.
    Rejected { address: SocketAddr, reason: String },
}

/// Accepts connections and sends what arrives, until it is dropped.
pub(super) async fn accept(
    listener: TcpListener,
    token: Arc<str>,
    arrivals: mpsc::Sender<Arrival>,
) {
    let backoff = Arc::new(Mutex::new(TokenBackoff::default()));
    let mut tasks = JoinSet::new();
    let mut pending: VecDeque<(IpAddr, AbortHandle)> = VecDeque::new();
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            // Most likely out of files. Retried, because other connections may close.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Only takes the finished ones out, so that they do not count as pending.
        while tasks.try_join_next().is_some() {}
        pending.retain(|(_, task)| !task.is_finished());
        let ip = address.ip();
        let is_suspect = !backoff.lock().delay(ip).is_zero();
        let from_here = pending.iter().filter(|(other, _)| *other == ip).count();
        let oldest = match is_suspect && from_here >= MAX_PENDING_SUSPECTS {
            true => pending.iter().position(|(other, _)| *other == ip),
            false => (pending.len() >= MAX_PENDING_HELLOS).then_some(0),
        };
        if let Some((_, task)) = oldest.and_then(|oldest| pending.remove(oldest)) {
            task.abort();
        }
        let hello = receive_hello(
            stream,
            address,
            token.clone(),
            backoff.clone(),
            arrivals.clone(),
        );
        pending.push_back((ip, tasks.spawn(hello)));
    }
}

async fn receive_hello(
    stream: TcpStream,
    address: SocketAddr,
    token: Arc<str>,
    backoff: Arc<Mutex<TokenBackoff>>,
    arrivals: mpsc::Sender<Arrival>,
) {
    let Ok(mut link) = WorkerLink::unauthenticated(stream) else {
        return;
    };
    let Ok(Ok(FromWorker::Hello(hello))) = timeout(HELLO_TIMEOUT, link.reader.receive()).await
    else {
        return;
    };
    let delay = backoff.lock().delay(address.ip());
    if !delay.is_zero() {
        // Before the token is compared: a guess whose connection is closed has no answer.
        sleep(delay).await;
    }
    // In constant time: otherwise the time of an answer would tell how much of a guess is
    // right.
    let is_right = bool::from(token.as_bytes().ct_eq(hello.token.as_bytes()));
    match is_right {
        true => backoff.lock().record_right(address.ip()),
        false => backoff.lock().record_wrong(address.ip()),
    }
    match rejection_reason(is_right, &hello) {
        None => {
            link.reader.raise_frame_limit();
            let joined = Arrival::Joined {
                hello,
                address,
                link: Box::new(link),
            };
            // An error says that all workers have joined: this worker is one too many.
            let _ = arrivals.send(joined).await;
        }
        Some(reason) => {
            let rejected = ToWorker::Rejected {
                reason: reason.clone(),
            };
            // An error says that the worker has closed its link, and needs no reason.
            let _ = link.writer.send(&rejected).await;
            let _ = arrivals.send(Arrival::Rejected { address, reason }).await;
        }
    }
}

fn rejection_reason(is_right: bool, hello: &Hello) -> Option<String> {
    if !is_right {
        return Some("the token is not this run's".to_owned());
    }
    let version: String = hello.version.chars().take(MAX_VERSION_CHARS).collect();
    (hello.protocol != PROTOCOL).then(|| {
        format!(
            "its control protocol is {} (version {}), the coordinator's {PROTOCOL} (version {})",
            hello.protocol,
            version.escape_debug(),
            env!("CARGO_PKG_VERSION")
        )
    })
}
