//! What a plan takes of this machine's memory.

use highwater_scenarios::{
    MemoryEstimate, Plan,
    plan::{BalancerKind, PublishFrom, PublishLoad, SystemSpec, TelemetryLoad},
};

use super::{PlanNodeLoad, consumer_count};
use crate::{
    coordinator::telemetry,
    doctor::costs::{
        CLIENT_BYTES, GATEWAY_BYTES, HAPROXY_BYTES, KERNEL_BYTES, NGINX_BYTES, NODE_BYTES,
        NODE_PROCESS_BYTES, USER_BYTES, WORKER_PROCESS_BYTES,
    },
    worker::{devices::telemetry::TelemetrySender, messages::TopicClient},
};

/// With `workers` workers and these nodes, when each socket has so many `ends` here.
pub(super) fn memory(
    plan: &Plan,
    workers: u32,
    nodes: Option<PlanNodeLoad>,
    ends: u64,
    available_bytes: Option<u64>,
) -> MemoryEstimate {
    let sockets = plan.sockets();
    let processes = u64::from(workers) + 1;
    let followed_bytes = message_bytes(plan).saturating_add(telemetry_bytes(plan));
    let users = plan.users()
        + plan
            .publish
            .iter()
            .map(PublishLoad::connections)
            .sum::<u64>();
    MemoryEstimate {
        workers_bytes: (processes * WORKER_PROCESS_BYTES
            + sockets * CLIENT_BYTES
            + users * USER_BYTES)
            .saturating_add(followed_bytes),
        tracking_bytes: followed_bytes,
        nodes_bytes: nodes.map_or(0, |nodes| {
            // And the broker.
            (nodes.max_nodes + 1 + consumer_count(plan)) * NODE_PROCESS_BYTES + sockets * NODE_BYTES
        }),
        balancers_bytes: balancer_bytes(plan) * (sockets + plan.http_connections()),
        kernel_bytes: (sockets + plan.http_connections()) * ends * KERNEL_BYTES,
        available_bytes,
    }
}

/// Of one connection that is forwarded.
fn balancer_bytes(plan: &Plan) -> u64 {
    let SystemSpec::Cluster(cluster) = &plan.system else {
        return 0;
    };
    match cluster.balancer {
        BalancerKind::None => 0,
        BalancerKind::Gateway => GATEWAY_BYTES,
        BalancerKind::Nginx => NGINX_BYTES,
        BalancerKind::Haproxy => HAPROXY_BYTES,
    }
}

/// What devices hold to publish, and to tell what they hear apart.
fn message_bytes(plan: &Plan) -> u64 {
    let of = |load: &PublishLoad| {
        let speakers = match load.from {
            PublishFrom::Device => load.publishers,
            PublishFrom::Rest => 0,
        };
        (load.subscribers * TopicClient::SUBSCRIBER_BYTES + speakers * TopicClient::PUBLISHER_BYTES)
            .saturating_add(
                load.sequence_count()
                    .saturating_mul(TopicClient::SEQUENCE_BYTES),
            )
    };
    plan.publish.iter().map(of).fold(0, u64::saturating_add)
}

/// What devices hold of their readings, and the coordinator of all of them.
fn telemetry_bytes(plan: &Plan) -> u64 {
    let devices = plan.telemetry.iter().map(|load| load.devices);
    let devices = devices.sum::<u64>() * TelemetrySender::max_bytes(1);
    let SystemSpec::Cluster(_) = &plan.system else {
        return devices;
    };
    let all = |load: &TelemetryLoad| telemetry::memory_bytes(load.count_due_before(plan.duration));
    devices + plan.telemetry.iter().map(all).sum::<u64>()
}
