//! The workers while they work.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use highwater_scenarios::{Plan, Segment};
use tokio::{sync::mpsc, time::timeout};

use super::registration::Ready;
use crate::control::{FromWorker, LinkReader, LinkWriter, ToWorker, Unaccepted, WorkerInterval};
use crate::error_chain::in_full;

/// How long a worker's machine may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages of all workers that wait to be looked at.
const QUEUE: usize = 1024;

/// The workers of a run.
pub struct Crew {
    members: BTreeMap<String, Member>,
    told: mpsc::Receiver<(String, Told)>,
}

/// What came from a worker.
pub enum Told {
    /// What it counted.
    Interval(WorkerInterval),
    /// Readings of its devices that were not accepted.
    Unaccepted(Vec<Unaccepted>),
    /// Its work is done.
    Done,
    /// Its link has ended, or it broke the protocol.
    Gone(String),
}

struct Member {
    segment: Segment,
    writer: LinkWriter<ToWorker>,
    state: State,
    ramp_resolved: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Working,
    Done,
    Lost,
}

impl Crew {
    /// Starts to listen to everybody.
    pub fn new(ready: Vec<Ready>) -> Self {
        let (tell, told) = mpsc::channel(QUEUE);
        let members = ready
            .into_iter()
            .map(|worker| {
                tokio::spawn(listen(worker.id.clone(), worker.link.reader, tell.clone()));
                let member = Member {
                    segment: worker.segment,
                    writer: worker.link.writer,
                    state: State::Working,
                    ramp_resolved: 0,
                };
                (worker.id, member)
            })
            .collect();
        Self { members, told }
    }

    /// What comes next from anybody; pends when nobody is left to speak.
    pub async fn hear(&mut self) -> (String, Told) {
        match self.told.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }

    /// Tells everybody who still works, all at once: one that takes nothing must not
    /// make the others late. Those who cannot be reached are named.
    pub async fn tell(&mut self, message: &ToWorker) -> Vec<String> {
        let members = self.members.iter_mut();
        let working = members.filter(|(_, member)| member.state == State::Working);
        let told = working.map(|(id, member)| async move {
            let sent = timeout(SEND_TIMEOUT, member.writer.send(message)).await;
            (!matches!(sent, Ok(Ok(())))).then(|| id.clone())
        });
        join_all(told).await.into_iter().flatten().collect()
    }

    /// The most sockets of `plan` that one of them has.
    pub fn largest_share(&self, plan: &Plan) -> u64 {
        let shares = self.members.values();
        let sockets = shares.map(|member| plan.sockets_of(member.segment));
        sockets.max().unwrap_or(0)
    }

    /// A worker has resolved so many of its ramp's sockets by now.
    pub fn resolved(&mut self, id: &str, ramp_resolved: u64) {
        if let Some(member) = self.members.get_mut(id) {
            member.ramp_resolved = ramp_resolved;
        }
    }

    /// Whether every socket of the ramp that a working worker has to open has
    /// opened or failed.
    pub fn ramp_is_over(&self, ramp_pools: impl Fn(Segment) -> u64) -> bool {
        self.working()
            .all(|member| member.ramp_resolved >= ramp_pools(member.segment))
    }

    /// A worker is done. `false` if that was known.
    pub fn done(&mut self, id: &str) -> bool {
        self.change(id, State::Done)
    }

    /// A worker is lost. `false` if it had ended before.
    pub fn lost(&mut self, id: &str) -> bool {
        self.change(id, State::Lost)
    }

    /// The workers that still work.
    pub fn still_working(&self) -> Vec<String> {
        self.members
            .iter()
            .filter(|(_, member)| member.state == State::Working)
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn working(&self) -> impl Iterator<Item = &Member> {
        self.members
            .values()
            .filter(|member| member.state == State::Working)
    }

    fn change(&mut self, id: &str, state: State) -> bool {
        match self.members.get_mut(id) {
            Some(member) if member.state == State::Working => {
                member.state = state;
                true
            }
            _ => false,
        }
    }
}

async fn listen(
    id: String,
    mut reader: LinkReader<FromWorker>,
    tell: mpsc::Sender<(String, Told)>,
) {
    loop {
        let told = match reader.receive().await {
            Ok(FromWorker::Interval(interval)) => Told::Interval(interval),
            Ok(FromWorker::Unaccepted(devices)) => Told::Unaccepted(devices),
            Ok(FromWorker::Done) => Told::Done,
            Ok(_) => Told::Gone("it said something out of turn".to_owned()),
            Err(error) => Told::Gone(in_full(&error)),
        };
        let last = !matches!(told, Told::Interval(_) | Told::Unaccepted(_));
        if tell.send((id.clone(), told)).await.is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::{setsockopt, sockopt};
    use tokio::net::{TcpSocket, TcpStream};

    use super::*;
    use crate::control::Link;

    type WorkersEnd = Link<FromWorker, ToWorker>;

    /// A worker, and its own end of the link, which holds next to nothing unread.
    async fn worker(index: u32) -> (Ready, WorkersEnd) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let connecting = socket.connect(listener.local_addr().unwrap());
        let (there, here) = tokio::join!(connecting, listener.accept());
        let here: TcpStream = here.unwrap().0;
        setsockopt(&here, sockopt::SndBuf, &4_096).unwrap();
        let ready = Ready {
            id: format!("w{}", index + 1),
            segment: Segment::new(index, 2).unwrap(),
            pid: 0,
            link: Link::new(here).unwrap(),
        };
        (ready, Link::new(there.unwrap()).unwrap())
    }

    #[tokio::test]
    async fn one_that_takes_nothing_makes_nobody_late() {
        let (first, _deaf) = worker(0).await;
        let (second, mut hears) = worker(1).await;
        let mut crew = Crew::new(vec![first, second]);
        let long = ToWorker::Refused {
            reason: "x".repeat(1 << 20),
        };
        tokio::select! {
            biased;
            deaf = crew.tell(&long) => panic!("all had to wait for {deaf:?}"),
            heard = hears.reader.receive() => assert_eq!(heard.unwrap(), long),
        }
    }

    #[tokio::test]
    async fn who_cannot_be_told_is_named() {
        let (first, deaf) = worker(0).await;
        let (second, mut hears) = worker(1).await;
        let mut crew = Crew::new(vec![first, second]);
        drop(deaf);
        let long = ToWorker::Refused {
            reason: "x".repeat(1 << 20),
        };
        let (deaf, heard) = tokio::join!(crew.tell(&long), hears.reader.receive());
        assert_eq!((deaf, heard.unwrap()), (vec!["w1".to_owned()], long));
    }
}
