//! The workers while they work.

use std::{collections::BTreeMap, time::Duration};

use highwater_scenarios::Segment;
use tokio::{sync::mpsc, time::timeout};

use super::roster::Ready;
use crate::causes::in_full;
use crate::control::{FromWorker, LinkReader, LinkWriter, ToWorker, Unaccepted, WorkerInterval};

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

    /// Tells everybody who still works; those who cannot be reached are named.
    pub async fn tell(&mut self, message: &ToWorker) -> Vec<String> {
        let mut unreachable = Vec::new();
        for (id, member) in &mut self.members {
            if member.state != State::Working {
                continue;
            }
            let sent = timeout(SEND_TIMEOUT, member.writer.send(message)).await;
            if !matches!(sent, Ok(Ok(()))) {
                unreachable.push(id.clone());
            }
        }
        unreachable
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
