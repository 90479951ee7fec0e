//! What a plan takes of this machine's memory.

use highwater_scenarios::{
    Memory, Plan,
    plan::{Balancer, PublishFrom, PublishLoad, ReadingLoad, System},
};

use super::{NodeLoad, consumers};
use crate::{
    coordinator::telemetry,
    doctor::costs::{
        CLIENT_BYTES, GATEWAY_BYTES, HAPROXY_BYTES, KERNEL_BYTES, NGINX_BYTES, NODE_BYTES,
        NODE_PROCESS_BYTES, USER_BYTES, WORKER_PROCESS_BYTES,
    },
    worker::{devices::telemetry::Upstream, messages::Member},
};

/// With `workers` workers and these nodes, when each socket has so many `ends` here.
pub(super) fn memory(
    plan: &Plan,
    workers: u32,
    nodes: Option<NodeLoad>,
    ends: u64,
    available_bytes: Option<u64>,
) -> Memory {
    let sockets = plan.sockets();
    let processes = u64::from(workers) + 1;
    let followed_bytes = of_messages(plan).saturating_add(of_readings(plan));
    let users = plan.users()
        + plan
            .publish
            .iter()
            .map(PublishLoad::connections)
            .sum::<u64>();
    Memory {
        workers_bytes: (processes * WORKER_PROCESS_BYTES
            + sockets * CLIENT_BYTES
            + users * USER_BYTES)
            .saturating_add(followed_bytes),
        followed_bytes,
        nodes_bytes: nodes.map_or(0, |nodes| {
            // And the broker.
            (nodes.most + 1 + consumers(plan)) * NODE_PROCESS_BYTES + sockets * NODE_BYTES
        }),
        balancers_bytes: balancer_bytes(plan) * (sockets + plan.http_connections()),
        kernel_bytes: (sockets + plan.http_connections()) * ends * KERNEL_BYTES,
        available_bytes,
    }
}

/// Of one connection that is forwarded.
fn balancer_bytes(plan: &Plan) -> u64 {
    let System::Cluster(cluster) = &plan.system else {
        return 0;
    };
    match cluster.balancer {
        Balancer::None => 0,
        Balancer::Gateway => GATEWAY_BYTES,
        Balancer::Nginx => NGINX_BYTES,
        Balancer::Haproxy => HAPROXY_BYTES,
    }
}

/// What devices hold to publish, and to tell what they hear apart.
fn of_messages(plan: &Plan) -> u64 {
    let of = |load: &PublishLoad| {
        let speakers = match load.from {
            PublishFrom::Device => load.publishers,
            PublishFrom::Rest => 0,
        };
        (load.subscribers * Member::SUBSCRIBER_BYTES + speakers * Member::PUBLISHER_BYTES)
            .saturating_add(load.sequences().saturating_mul(Member::SEQUENCE_BYTES))
    };
    plan.publish.iter().map(of).fold(0, u64::saturating_add)
}

/// What devices hold of their readings, and the coordinator of all of them.
fn of_readings(plan: &Plan) -> u64 {
    let devices = plan.readings.iter().map(|load| load.devices);
    let devices = devices.sum::<u64>() * Upstream::most_bytes(1);
    let System::Cluster(_) = &plan.system else {
        return devices;
    };
    let all = |load: &ReadingLoad| telemetry::bytes_of(load.due_before(plan.duration));
    devices + plan.readings.iter().map(all).sum::<u64>()
}
