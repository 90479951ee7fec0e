//! A higher limit never allows fewer sockets.

use highwater_loadgen::doctor::{
    Capacity, HostLimits, HostRole,
    limits::{Limit, PortRange},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

use super::fixture::machine;

/// A function that sets one limit. CPU cores have none, because each adds a thread to every
/// process.
type Set = fn(&mut HostLimits, u64);

const LIMITS: [(&str, Set); 11] = [
    ("hard", |limits, value| limits.files.hard = Some(value)),
    ("nr_open", |limits, value| {
        limits.files.nr_open = Some(value)
    }),
    ("file-max", |limits, value| {
        limits.files.system_max = Some(value)
    }),
    ("ports", |limits, value| {
        limits.port_range = Some(PortRange {
            first: 1_024,
            last: (1_024 + value % 64_000) as u16,
            reserved: 0,
        });
    }),
    ("pid_max", |limits, value| {
        limits.threads.pid_max = Some(value)
    }),
    ("threads-max", |limits, value| {
        limits.threads.threads_max = Some(value)
    }),
    ("pids.max", |limits, value| {
        limits.threads.cgroup_max = Limit::AtMost(value)
    }),
    ("conntrack", |limits, value| {
        limits.conntrack.max = Limit::AtMost(value);
        limits.conntrack.entries = Some(7);
    }),
    ("memory", |limits, value| {
        limits.memory.available = Some(value * 1_000)
    }),
    ("group", |limits, value| {
        limits.memory.cgroup_available = Limit::AtMost(value * 1_000)
    }),
    ("quota", |limits, value| {
        limits.cpus.quota_millicores = Limit::AtMost(value)
    }),
];

fn never_fewer(before: &HostLimits, after: &HostLimits, changed: &str) -> TestCaseResult {
    let (before, after) = (Capacity::of(before), Capacity::of(after));
    for role in HostRole::ALL {
        let most = |capacity: &Capacity| {
            let first = capacity
                .for_role(role)
                .and_then(|capacity| capacity.binding_constraint());
            first.map_or(u64::MAX, |first| first.sockets)
        };
        prop_assert!(
            most(&before) <= most(&after),
            "{changed}: {role:?} {} to {}",
            most(&before),
            most(&after)
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn higher_limit_never_costs_sockets(
        values in prop::collection::vec(1_u64..50_000_000, LIMITS.len()),
        more in 1_u64..50_000_000,
    ) {
        let mut limits = machine();
        for ((_, set), value) in LIMITS.iter().zip(&values) {
            set(&mut limits, *value);
        }
        for ((name, set), value) in LIMITS.iter().zip(&values) {
            let mut raised = limits;
            // The last port is 65,535, so the width of the range is bounded.
            match *name {
                "ports" => set(&mut raised, (value % 64_000 + more).min(63_999)),
                _ => set(&mut raised, value + more),
            }
            never_fewer(&limits, &raised, name)?;
        }
    }

    #[test]
    fn higher_use_never_adds_sockets(used in 0_u64..4_000_000, more in 1_u64..4_000_000) {
        let mut before = machine();
        before.files.system_open = Some(used + more);
        before.conntrack.max = Limit::AtMost(3_000_000);
        before.conntrack.entries = Some(used + more);
        let mut after = before;
        after.files.system_open = Some(used);
        after.conntrack.entries = Some(used);
        never_fewer(&before, &after, "in use")?;
    }

    #[test]
    fn more_cpu_cores_answer_more_heartbeats(online in 1_u64..2_000, more in 1_u64..2_000) {
        let with = |online| {
            let mut limits = machine();
            limits.cpus.online = Some(online);
            let capacity = Capacity::of(&limits);
            let role = capacity.for_role(HostRole::BothEnds).cloned();
            let bindings = role.into_iter().flat_map(|role| role.constraints);
            bindings.filter(|binding| binding.constraint.name() == "CPU cores")
                .map(|binding| binding.sockets)
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(with(online).len(), 1);
        prop_assert!(with(online) <= with(online + more));
    }
}
