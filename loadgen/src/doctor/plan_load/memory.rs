//! The memory that a plan takes on this machine.

use highwater_scenarios::{
    MemoryEstimate, Plan,
    plan::{DevicePool, PublishFrom, PublishLoad, SystemSpec, TelemetryLoad},
};

use super::{PlanNodeLoad, consumer_count};
use crate::{
    coordinator::telemetry,
    doctor::costs::{
        CLIENT_BYTES, KERNEL_BYTES, NODE_BYTES, NODE_PROCESS_BYTES, USER_BYTES,
        WORKER_PROCESS_BYTES,
    },
    testbed::balancer,
    worker::{
        devices::telemetry::TelemetrySender, exchanges::SocketExchanges, messages::TopicClient,
    },
};

/// Estimates the memory of a plan with `workers` workers. Each connection has `ends` ends on
/// this machine.
pub(super) fn memory(
    plan: &Plan,
    workers: u32,
    nodes: Option<PlanNodeLoad>,
    ends: u64,
    available_bytes: Option<u64>,
) -> MemoryEstimate {
    let sockets = plan.sockets();
    let connections = sockets + plan.http_connections();
    // The coordinator is a process like a worker.
    let processes = u64::from(workers) + 1;
    let tracking_bytes = message_bytes(plan).saturating_add(telemetry_bytes(plan));
    let publishers = plan.publish.iter().map(PublishLoad::connections);
    let users = plan.users() + plan.message_users() + publishers.sum::<u64>();
    MemoryEstimate {
        workers_bytes: (processes * WORKER_PROCESS_BYTES
            + sockets * CLIENT_BYTES
            + users * USER_BYTES
            + exchange_bytes(plan))
        .saturating_add(tracking_bytes),
        tracking_bytes,
        nodes_bytes: nodes.map_or(0, |nodes| {
            let broker = 1;
            (nodes.max_nodes + broker + consumer_count(plan)) * NODE_PROCESS_BYTES
                + sockets * NODE_BYTES
        }),
        balancers_bytes: balancer_bytes(plan) * connections,
        kernel_bytes: connections * ends * KERNEL_BYTES,
        available_bytes,
    }
}

/// Returns the memory of a balancer for one connection.
fn balancer_bytes(plan: &Plan) -> u64 {
    match &plan.system {
        SystemSpec::Cluster(cluster) => {
            balancer::driver(cluster.balancer).map_or(0, |driver| driver.bytes_per_socket)
        }
        SystemSpec::Target(_) => 0,
    }
}

/// Returns the memory of idle sockets that messages and commands of the scenario's own use,
/// beyond that of other sockets.
fn exchange_bytes(plan: &Plan) -> u64 {
    let is_used = |pool: &&DevicePool| {
        let mut commands = plan.commands.iter();
        plan.messages.iter().any(|load| load.pool == pool.name)
            || commands.any(|load| load.is_own_request() && load.is_for(&pool.name))
    };
    let pools = plan.devices.iter().filter(is_used);
    pools.map(|pool| pool.count).sum::<u64>() * SocketExchanges::IDLE_BYTES
}

/// Returns the memory of devices that publish, and of devices that tell messages apart.
fn message_bytes(plan: &Plan) -> u64 {
    let bytes = |load: &PublishLoad| {
        let publishers = match load.from {
            PublishFrom::Device => load.publishers,
            PublishFrom::Rest => 0,
        };
        let clients = load.subscribers * TopicClient::SUBSCRIBER_BYTES
            + publishers * TopicClient::PUBLISHER_BYTES;
        // Every subscriber follows every publisher of its topics, a product that may be
        // huge.
        let sequences = load.sequence_count();
        clients.saturating_add(sequences.saturating_mul(TopicClient::SEQUENCE_BYTES))
    };
    plan.publish.iter().map(bytes).fold(0, u64::saturating_add)
}

/// Returns the memory of telemetry at the devices, and of all telemetry at the coordinator.
fn telemetry_bytes(plan: &Plan) -> u64 {
    let devices = plan.telemetry.iter().map(|load| load.devices);
    let devices = devices.sum::<u64>() * TelemetrySender::max_bytes(1);
    let SystemSpec::Cluster(_) = &plan.system else {
        // The coordinator compares telemetry with the journals of its own consumers only.
        return devices;
    };
    let all = |load: &TelemetryLoad| telemetry::memory_bytes(load.count_due_before(plan.duration));
    devices + plan.telemetry.iter().map(all).sum::<u64>()
}
