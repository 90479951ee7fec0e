//! Where a device is, for whoever asks.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use super::{
    message::{Answer, Located, Question, decode, encode},
    state::HomeOf,
};
use crate::{
    config::Routing,
    id::{DeviceId, NodeId},
    node::Node,
};

/// Asks the device's home, or every member when the home does not know. `Unsure`
/// when nobody said yes and not everybody said no.
pub(crate) async fn locate(node: &Arc<Node>, device: &DeviceId, deadline: Instant) -> Located {
    let here = node.owned_here(device);
    if matches!(here, Located::At { .. }) {
        return here;
    }
    let known = match node.cluster.home_of(device) {
        _ if node.config.routing == Routing::Broadcast => Located::Unsure,
        HomeOf::Unknown => return Located::Unsure,
        HomeOf::Here => node.cluster.home().locate(device),
        HomeOf::There(home) => {
            let question = Question::Locate(device.clone());
            ask(node, &home, &question, deadline)
                .await
                .unwrap_or(Located::Unsure)
        }
    };
    if known == Located::Unsure {
        ask_all(node, device, deadline).await
    } else {
        known
    }
}

async fn ask_all(node: &Arc<Node>, device: &DeviceId, deadline: Instant) -> Located {
    let question = Question::Holds(device.clone());
    let others = node.cluster.others();
    let mut answers: FuturesUnordered<_> = others
        .iter()
        .map(|member| ask(node, member, &question, deadline))
        .collect();
    let mut verdict = Located::Nowhere;
    while let Some(answer) = answers.next().await {
        match answer {
            Some(found @ Located::At { .. }) => return found,
            Some(Located::Nowhere) => {}
            Some(Located::Unsure) | None => verdict = Located::Unsure,
        }
    }
    verdict
}

async fn ask(node: &Node, to: &NodeId, question: &Question, deadline: Instant) -> Option<Located> {
    let answer = node
        .cluster
        .backplane
        .request(to, encode(question), deadline)
        .await
        .ok()?;
    match decode(&answer)? {
        Answer::Located(located) => Some(located),
        _ => None,
    }
}
