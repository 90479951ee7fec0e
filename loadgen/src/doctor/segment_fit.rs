//! Whether the segments of a plan fit the machines of the workers that take them.

use std::{collections::HashSet, net::IpAddr};

use highwater_scenarios::{Plan, RESERVED_FILES, Segment};
use highwater_types::format;

use super::{
    costs::{CLIENT_BYTES, KERNEL_BYTES, WORKER_PROCESS_BYTES},
    plan_load::PlanLoad,
    reader::read_host_limits,
};
use crate::{bus::WorkerCapacity, coordinator::LocalWorkers, sampling::host_name};

/// Returns what this machine offers a worker that may open `open_files` files and whose sockets
/// spread over `sources`.
pub fn worker_capacity(open_files: u64, sources: Vec<IpAddr>) -> WorkerCapacity {
    let limits = read_host_limits();
    WorkerCapacity {
        host: host_name(),
        open_files,
        sources,
        ports: limits.port_range.map(|ports| ports.count()),
        memory: limits.memory.remaining(),
        millicores: limits.cpus.millicores(),
    }
}

/// Returns why segments do not fit the one machine whose workers take them, each with the
/// capacity that its worker reports; empty where they fit. A limit that is not known excludes
/// nothing.
pub fn misfits(plan: &Plan, workers: &[(Segment, WorkerCapacity)]) -> Vec<String> {
    let files = workers.iter().filter_map(|(segment, capacity)| {
        let needed = plan.open_files(*segment) + RESERVED_FILES;
        (needed > capacity.open_files).then(|| {
            format!(
                "w{} needs {} open files and may have {}",
                segment.index() + 1,
                format::count(needed),
                format::count(capacity.open_files)
            )
        })
    });
    let machine = [
        ports_misfit(plan, workers),
        memory_misfit(plan, workers),
        cpu_misfit(plan, workers),
    ];
    files.chain(machine.into_iter().flatten()).collect()
}

fn ports_misfit(plan: &Plan, workers: &[(Segment, WorkerCapacity)]) -> Option<String> {
    let ports = least(workers, |capacity| capacity.ports)? * source_count(workers);
    let busiest = PlanLoad::new(plan, &LocalWorkers::default(), None, None).busiest_destination?;
    let shares = workers.iter();
    let needed: u64 = shares
        .map(|(segment, _)| segment.share_of(busiest.connections))
        .sum();
    (needed > ports).then(|| {
        format!(
            "{} connections to {} are needed, and there are {} ports for them",
            format::count(needed),
            busiest.address,
            format::count(ports)
        )
    })
}

/// Returns the number of local addresses from which these workers connect. Those without any
/// share the one that the kernel chooses.
fn source_count(workers: &[(Segment, WorkerCapacity)]) -> u64 {
    let named: HashSet<_> = workers.iter().flat_map(|(_, own)| &own.sources).collect();
    let has_chosen = workers.iter().any(|(_, own)| own.sources.is_empty());
    named.len() as u64 + u64::from(has_chosen)
}

fn memory_misfit(plan: &Plan, workers: &[(Segment, WorkerCapacity)]) -> Option<String> {
    let free = least(workers, |capacity| capacity.memory)?;
    let shares = workers.iter();
    let needed: u64 = shares
        .map(|(segment, _)| {
            plan.sockets_of(*segment) * (CLIENT_BYTES + KERNEL_BYTES) + WORKER_PROCESS_BYTES
        })
        .sum();
    (needed > free).then(|| {
        format!(
            "{} of memory are needed, and {} are free",
            format::bytes(needed),
            format::bytes(free)
        )
    })
}

fn cpu_misfit(plan: &Plan, workers: &[(Segment, WorkerCapacity)]) -> Option<String> {
    let millicores = least(workers, |capacity| capacity.millicores)?;
    let sockets = plan.sockets().max(1) as f64;
    let own: u64 = workers.iter().map(|(own, _)| plan.sockets_of(*own)).sum();
    // Only the worker's end: the target is elsewhere.
    let client_ns = super::costs::CLIENT_HEARTBEAT_NS as f64;
    let needed = plan.heartbeats_per_s() * client_ns / 1e9 * own as f64 / sockets * 1e3;
    (needed > millicores as f64).then(|| {
        format!(
            "heartbeats need {:.1} cores, and there are {:.1}",
            needed / 1e3,
            millicores as f64 / 1e3
        )
    })
}

fn least(
    workers: &[(Segment, WorkerCapacity)],
    limit: impl Fn(&WorkerCapacity) -> Option<u64>,
) -> Option<u64> {
    workers.iter().filter_map(|(_, own)| limit(own)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(count: u64) -> Plan {
        let text = format!(
            "name = \"fit\"\nduration = \"1s\"\n[target]\nws = \"ws://192.0.2.1:80/?d={{device}}\"\n\
             [[devices]]\nname = \"home\"\ncount = {count}\nramp = \"100/s\"\nheartbeat = \"10s\"\n"
        );
        highwater_scenarios::parse("fit.toml", &text, &[]).unwrap()
    }

    fn capacity() -> WorkerCapacity {
        WorkerCapacity {
            host: "a".to_owned(),
            open_files: 20_000,
            sources: Vec::new(),
            ports: Some(28_000),
            memory: Some(1 << 30),
            millicores: Some(2_000),
        }
    }

    fn segments(of: u32) -> Vec<(Segment, WorkerCapacity)> {
        let segments = (0..of).map(|index| (Segment::new(index, of).unwrap(), capacity()));
        segments.collect()
    }

    #[test]
    fn what_exceeds_a_machine_is_named_with_its_numbers() {
        assert_eq!(misfits(&plan(10_000), &segments(1)), Vec::<String>::new());
        assert_eq!(
            misfits(&plan(40_000), &segments(2)),
            [
                "w1 needs 20,512 open files and may have 20,000",
                "w2 needs 20,512 open files and may have 20,000",
                "40,000 connections to 192.0.2.1:80 are needed, and there are 28,000 ports for them",
            ]
        );
        let mut small = segments(1);
        small[0].1.memory = Some(10 << 20);
        small[0].1.millicores = Some(10);
        let found = misfits(&plan(10_000), &small);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("of memory are needed"), "{found:?}");
        assert!(found[1].contains("heartbeats need 0.0 cores"), "{found:?}");
    }

    #[test]
    fn each_source_address_has_ports_of_its_own() {
        let mut workers = segments(3);
        for (number, (_, capacity)) in workers.iter_mut().enumerate() {
            capacity.sources = vec![[192, 0, 2, number as u8 % 2].into()];
        }
        assert_eq!(misfits(&plan(50_000), &workers), Vec::<String>::new());
        let found = misfits(&plan(57_000), &workers);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("there are 56,000 ports for them"));
    }

    #[test]
    fn unknown_limit_excludes_nothing() {
        let unknown = WorkerCapacity {
            open_files: 20_000,
            ..WorkerCapacity::default()
        };
        let whole = (Segment::new(0, 1).unwrap(), unknown);
        assert_eq!(misfits(&plan(19_000), &[whole]), Vec::<String>::new());
    }
}
