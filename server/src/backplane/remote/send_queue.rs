//! The way to the broker: frames are sealed here and wait for the one task that
//! sends them.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use super::{
    Destination, Outgoing,
    frame::{Body, Header},
    membership_table::Roster,
};
use crate::{
    backplane::{
        Member,
        endpoint::{Pushed, Road},
        envelope::{Envelope, seal},
    },
    bounded_queue::{self, Weigh},
    id::{NodeId, Topic},
};

/// Jobs that may wait for the broker; more are refused.
const JOBS: usize = 8192;
/// Bytes that may wait for the broker; more are refused.
const BYTES: usize = 16 * 1024 * 1024;

/// What waits for the broker.
#[derive(Debug)]
pub(super) enum Job {
    Send(Outgoing),
    Subscribe(Topic),
    Unsubscribe(Topic),
}

/// The queue to the broker, and what frames are addressed by.
pub(super) struct ToBroker {
    me: NodeId,
    jobs: bounded_queue::Sender<Job>,
    standing: RwLock<Arc<Standing>>,
}

/// Where this node stands: the roster it goes by, and its own seat's number.
pub(super) struct Standing {
    pub(super) roster: Roster,
    pub(super) joined: u64,
}

impl ToBroker {
    pub(super) fn new(me: NodeId) -> (Self, bounded_queue::Receiver<Job>) {
        let (jobs, queue) = bounded_queue::channel(JOBS, BYTES);
        let standing = Standing {
            roster: Roster::new(),
            joined: 0,
        };
        let road = Self {
            me,
            jobs,
            standing: RwLock::new(Arc::new(standing)),
        };
        (road, queue)
    }

    pub(super) fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on frames are addressed by this roster.
    pub(super) fn stand(&self, standing: Standing) {
        *self
            .standing
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(standing);
    }

    /// A frame from the own seat.
    pub(super) fn seal(&self, joined: u64, body: Body, payload: &[u8]) -> Bytes {
        let header = Header {
            from: self.me.clone(),
            joined,
            body,
        };
        seal(&header, payload)
    }

    fn send(&self, to: Destination, frame: Bytes) -> Pushed {
        let bytes = frame.len();
        let job = Job::Send(Outgoing { to, frame });
        self.jobs.push(job).map(|()| bytes)
    }

    fn ask(&self, job: Job, topic: &Topic) -> Pushed {
        self.jobs.push(job).map(|()| topic.as_str().len())
    }
}

impl Road for ToBroker {
    fn unicast(&self, to: &Member, envelope: &Envelope, payload: &[u8]) -> Pushed {
        let standing = self.standing();
        let seat = standing.roster.seat(&to.id);
        let Some(seat) = seat.filter(|seat| seat.joined == to.joined) else {
            return Ok(0);
        };
        let body = Body::Unicast(envelope.clone());
        let frame = self.seal(standing.joined, body, payload);
        self.send(Destination::Inbox(seat.inbox.clone()), frame)
    }

    fn publish(&self, topic: &Topic, payload: &[u8]) -> Pushed {
        let frame = self.seal(self.standing().joined, Body::Published, payload);
        self.send(Destination::Topic(topic.clone()), frame)
    }

    fn subscribe(&self, topic: &Topic) -> Pushed {
        self.ask(Job::Subscribe(topic.clone()), topic)
    }

    fn unsubscribe(&self, topic: &Topic) -> Pushed {
        self.ask(Job::Unsubscribe(topic.clone()), topic)
    }
}

impl Weigh for Job {
    fn bytes(&self) -> usize {
        match self {
            Self::Send(outgoing) => outgoing.frame.len(),
            Self::Subscribe(_) | Self::Unsubscribe(_) => 0,
        }
    }
}
