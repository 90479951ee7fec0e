//! From the backplane's URL to the queue.

use std::{future::Future, sync::Arc};

use super::{
    intake::{self, Arriving},
    local::{LocalAddress, LocalMember, LocalProducer},
    queue::Member,
};
use crate::{backplane::BackplaneUrl, node::Node};

/// Something that is done as a member of a group, whatever the queue.
pub(crate) trait Job {
    type Output;

    fn run<M: Member>(self, address: M::Address) -> impl Future<Output = Self::Output> + Send;
}

/// Hands the node's readings to the queue that its URL names; a node without one
/// refuses them at the door.
pub(crate) async fn run(node: Arc<Node>, arriving: Arriving) {
    let Some(url) = node.config.backplane.clone() else {
        return;
    };
    match url {
        BackplaneUrl::Local { authority } => {
            let address = LocalAddress::new(authority);
            intake::run::<LocalProducer>(node, address, arriving).await;
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(_) => {}
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(_) => {}
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(_) => {}
    }
}

/// Does a job as a member of a group of the queue that the URL names; `None` when
/// there is no queue.
pub(crate) async fn on_queue<J: Job>(url: &BackplaneUrl, job: J) -> Option<J::Output> {
    match url {
        BackplaneUrl::Local { authority } => {
            let address = LocalAddress::new(authority.clone());
            Some(job.run::<LocalMember>(address).await)
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(_) => None,
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(_) => None,
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(_) => None,
    }
}
