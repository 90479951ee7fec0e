//! Whoever raises a limit never gets fewer sockets.

use highwater_loadgen::doctor::{
    Capacity, HostLimits, HostRole,
    limits::{Limit, PortRange},
};
use proptest::{prelude::*, test_runner::TestCaseResult};

use super::fixture::machine;

/// One limit, set to a figure. Ports are a width; processors are not among
/// them, because each adds a thread to every process.
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
    for usage in HostRole::ALL {
        let most = |capacity: &Capacity| {
            let first = capacity
                .for_role(usage)
                .and_then(|found| found.binding_constraint());
            first.map_or(u64::MAX, |first| first.sockets)
        };
        prop_assert!(
            most(&before) <= most(&after),
            "{changed}: {usage:?} {} to {}",
            most(&before),
            most(&after)
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_higher_limit_never_costs_sockets(
        figures in prop::collection::vec(1_u64..50_000_000, LIMITS.len()),
        more in 1_u64..50_000_000,
    ) {
        let mut limits = machine();
        for ((_, set), figure) in LIMITS.iter().zip(&figures) {
            set(&mut limits, *figure);
        }
        for ((name, set), figure) in LIMITS.iter().zip(&figures) {
            let mut raised = limits;
            // Ports end at 65,535, and so does what can be added to them.
            match *name {
                "ports" => set(&mut raised, (figure % 64_000 + more).min(63_999)),
                _ => set(&mut raised, figure + more),
            }
            never_fewer(&limits, &raised, name)?;
        }
    }

    #[test]
    fn what_is_in_use_never_adds_sockets(used in 0_u64..4_000_000, more in 1_u64..4_000_000) {
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
    fn more_processors_answer_more_heartbeats(online in 1_u64..2_000, more in 1_u64..2_000) {
        let with = |online| {
            let mut limits = machine();
            limits.cpus.online = Some(online);
            let found = Capacity::of(&limits);
            let ceilings = found.for_role(HostRole::BothEnds).cloned();
            let bound = ceilings.into_iter().flat_map(|found| found.constraints);
            bound.filter(|ceiling| ceiling.constraint.name() == "processors")
                .map(|ceiling| ceiling.sockets)
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(with(online).len(), 1);
        prop_assert!(with(online) <= with(online + more));
    }
}
