//! `GET /nodes`: returns the members in this node's view.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    id::NodeId,
    node::{Node, NodePhase},
};

#[derive(Serialize)]
pub(super) struct NodeList {
    /// The version of this node's view.
    version: u64,
    /// Whether this node is connected to the backplane.
    connected: bool,
    nodes: Vec<NodeInfo>,
    gateways: Vec<GatewayInfo>,
}

#[derive(Serialize)]
struct NodeInfo {
    id: NodeId,
    /// Milliseconds since 1970 at the node's start.
    incarnation: u64,
    address: Option<String>,
    #[serde(rename = "self")]
    is_self: bool,
    /// Known for this node only.
    state: Option<NodePhase>,
    /// Known for this node only.
    sockets: Option<u64>,
}

#[derive(Serialize)]
struct GatewayInfo {
    id: NodeId,
    /// Milliseconds since 1970 at the gateway's start.
    incarnation: u64,
    address: Option<String>,
}

pub(super) async fn list(State(node): State<Arc<Node>>) -> Json<NodeList> {
    let view = node.cluster.backplane.view().borrow().clone();
    let listed = view.nodes().map(|member| {
        let is_self = member.id == node.cluster.me;
        NodeInfo {
            id: member.id.clone(),
            incarnation: member.incarnation,
            address: member.address.clone(),
            is_self,
            // The view does not contain the states of other nodes.
            state: is_self.then(|| node.phase()),
            sockets: is_self.then(|| node.sessions.metrics.open_sockets()),
        }
    });
    let gateways = view.gateways().map(|member| GatewayInfo {
        id: member.id.clone(),
        incarnation: member.incarnation,
        address: member.address.clone(),
    });
    Json(NodeList {
        version: view.version,
        connected: view.connected,
        nodes: listed.collect(),
        gateways: gateways.collect(),
    })
}
