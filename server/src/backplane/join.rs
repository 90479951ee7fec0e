//! From a URL to a joined backplane.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Backplane, Inbound, alone::Alone, local};
use crate::{config::BackplaneUrl, id::NodeId};

/// How many messages may wait for the node to handle them.
const INBOX: usize = 4096;

/// Who joins.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The node's name.
    pub id: NodeId,
    /// Which life of the node this is: milliseconds since 1970 at its start.
    pub boot: u64,
    /// `HOST:PORT` of its HTTP listener, for others to read.
    pub address: Option<String>,
}

/// A backplane and what arrives by it.
pub struct Joined {
    /// To the others.
    pub backplane: Arc<dyn Backplane>,
    /// From the others. It ends when the node leaves.
    pub inbox: mpsc::Receiver<Inbound>,
}

/// Joins as `identity` until `leave` is cancelled. Returns at once: a backplane that
/// is away is no error, the node keeps trying, and the view says whether it is
/// connected. Must be called inside a tokio runtime.
pub fn join(url: Option<&BackplaneUrl>, identity: Identity, leave: CancellationToken) -> Joined {
    let (deliver, inbox) = mpsc::channel(INBOX);
    let backplane: Arc<dyn Backplane> = match url {
        None => Arc::new(Alone::new(identity, deliver)),
        Some(BackplaneUrl::Local { authority }) => local::join(authority, identity, deliver, leave),
    };
    Joined { backplane, inbox }
}
