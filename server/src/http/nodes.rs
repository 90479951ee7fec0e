//! `GET /nodes`: the members, as this node sees them.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    id::NodeId,
    node::{Node, Phase},
};

#[derive(Serialize)]
pub(super) struct Nodes {
    /// This node's view version.
    version: u64,
    /// Whether this node is connected to the backplane.
    connected: bool,
    nodes: Vec<Listed>,
    gateways: Vec<Gateway>,
}

#[derive(Serialize)]
struct Listed {
    id: NodeId,
    /// Milliseconds since 1970 at the node's start.
    epoch: u64,
    address: Option<String>,
    #[serde(rename = "self")]
    is_self: bool,
    /// Known of this node only.
    state: Option<&'static str>,
    /// Known of this node only.
    sockets: Option<i64>,
}

#[derive(Serialize)]
struct Gateway {
    id: NodeId,
    /// Milliseconds since 1970 at its start.
    epoch: u64,
    address: Option<String>,
}

pub(super) async fn list(State(node): State<Arc<Node>>) -> Json<Nodes> {
    let view = node.cluster.backplane.view().borrow().clone();
    let state = match node.phase() {
        Phase::Serving => "serving",
        Phase::Leaving => "leaving",
        Phase::Draining => "draining",
    };
    let listed = view.nodes().map(|member| {
        let is_self = member.id == node.config.id;
        Listed {
            id: member.id.clone(),
            epoch: member.boot,
            address: member.address.clone(),
            is_self,
            state: is_self.then_some(state),
            sockets: is_self.then(|| node.metrics.sockets.get()),
        }
    });
    let gateways = view.gateways().map(|member| Gateway {
        id: member.id.clone(),
        epoch: member.boot,
        address: member.address.clone(),
    });
    Json(Nodes {
        version: view.version,
        connected: view.connected,
        nodes: listed.collect(),
        gateways: gateways.collect(),
    })
}
