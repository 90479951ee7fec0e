//! How large a plan is.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use crate::{
    Plan, Segment,
    plan::{
        BalancerKind, CommandLoad, DevicePool, EventKind, LoadModel, NodeEffect, PublishLoad,
        SystemSpec,
    },
};

/// Open files that a worker keeps for itself: libraries, control link, record,
/// reconnects while an old socket still closes.
pub const RESERVED_FILES: u64 = 512;

/// How long readings may take to be accepted after the steady phase.
const TELEMETRY_ACK_TIMEOUT: Duration = Duration::from_secs(20);

/// What one balancer of a cluster forwards when everything is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalancerShare {
    /// Balancers side by side.
    pub balancers: u64,
    /// Sockets of one of them.
    pub sockets: u64,
    /// Its HTTP connections from clients.
    pub connections: u64,
}

impl BalancerShare {
    /// Open files that this takes: one towards the client and one towards the node,
    /// each.
    pub fn open_files(&self) -> u64 {
        2 * (self.sockets + self.connections)
    }
}

impl Plan {
    /// When the last socket of the ramp is due, from the ramp's start; zero
    /// where no pool belongs to the ramp.
    pub fn planned_ramp(&self) -> Duration {
        self.ramp_pools()
            .map(DevicePool::ramp_duration)
            .max()
            .unwrap_or_default()
    }

    /// Sockets of all pools.
    pub fn sockets(&self) -> u64 {
        self.devices.iter().map(|pool| pool.count).sum()
    }

    /// Sockets of the pools that belong to the ramp.
    pub fn ramp_sockets(&self) -> u64 {
        self.ramp_pools().map(|pool| pool.count).sum()
    }

    /// Users of all closed command loads.
    pub fn users(&self) -> u64 {
        let users = |load: &CommandLoad| match load.model {
            LoadModel::Closed { users, .. } => users,
            LoadModel::Open { .. } => 0,
        };
        self.commands.iter().map(users).sum()
    }

    /// Most commands per second: arrivals of the open loads, and of the closed
    /// ones what their users reach when every reply comes at once. `None` when
    /// a load's users do not think, which leaves it to the system.
    pub fn requests_per_s(&self) -> Option<f64> {
        self.commands.iter().map(CommandLoad::requests_per_s).sum()
    }

    /// Heartbeats per second when every socket is open.
    pub fn heartbeats_per_s(&self) -> f64 {
        let rate = |pool: &DevicePool| pool.count as f64 / pool.heartbeat.as_secs_f64();
        self.devices.iter().map(rate).sum()
    }

    /// Workers whose shares of sockets and HTTP connections, and a reserve
    /// of 512, each fit into `files_per_process` open files; at least 1.
    pub fn workers_needed(&self, files_per_process: u64) -> u32 {
        let room = usable_files(files_per_process);
        let fits = |of: u32| Segment::new(0, of).is_ok_and(|first| self.open_files(first) <= room);
        let (mut fewest, mut enough) = (1, self.max_useful_workers());
        // Shares shrink as their number grows, so bisection finds the first fit.
        while fewest < enough {
            let middle = fewest + (enough - fewest) / 2;
            match fits(middle) {
                true => enough = middle,
                false => fewest = middle + 1,
            }
        }
        enough
    }

    /// The longest that an answer to anything over HTTP is waited for, or to a
    /// device's message or reading.
    pub fn longest_response_wait(&self) -> Duration {
        let commands = self.commands.iter().map(|load| load.timeout);
        let messages = self.publish.iter().map(|load| load.timeout);
        let readings = (!self.telemetry.is_empty()).then_some(TELEMETRY_ACK_TIMEOUT);
        let answers = commands.chain(messages).chain(readings);
        answers.max().unwrap_or_default()
    }

    /// Messages published per second, over all loads while they last.
    pub fn messages_per_s(&self) -> f64 {
        let loads = self.publish.iter();
        loads.map(|load| load.rate.as_per_second()).sum()
    }

    /// Readings per second, over all loads.
    pub fn telemetry_per_s(&self) -> f64 {
        let loads = self.telemetry.iter();
        loads.map(|load| load.rate.as_per_second()).sum()
    }

    /// Deliveries of messages per second.
    pub fn deliveries_per_s(&self) -> f64 {
        self.publish.iter().map(PublishLoad::deliveries_per_s).sum()
    }

    /// Workers of which each has at most one piece of every pool and load;
    /// more would not make a share smaller.
    fn max_useful_workers(&self) -> u32 {
        let sockets = self.devices.iter().map(|pool| pool.count);
        let largest = sockets
            .chain(self.http_connections_per_load())
            .max()
            .unwrap_or(1);
        u32::try_from(largest).unwrap_or(u32::MAX).max(1)
    }

    /// HTTP connections of all loads, when as many are open as ever can be.
    pub fn http_connections(&self) -> u64 {
        self.http_connections_per_load().sum()
    }

    /// The same, of one part.
    pub fn http_connections_of(&self, part: Segment) -> u64 {
        self.http_connections_per_load()
            .map(|load| part.share_of(load))
            .sum()
    }

    /// Sockets of one part.
    pub fn sockets_of(&self, part: Segment) -> u64 {
        let pools = self.devices.iter();
        pools.map(|pool| part.share_of(pool.count)).sum()
    }

    /// Sockets of one part in the pools that belong to the ramp.
    pub fn ramp_sockets_of(&self, part: Segment) -> u64 {
        self.ramp_pools()
            .map(|pool| part.share_of(pool.count))
            .sum()
    }

    /// Of each load.
    fn http_connections_per_load(&self) -> impl Iterator<Item = u64> {
        let commands = self.commands.iter().map(CommandLoad::max_connections);
        commands.chain(self.publish.iter().map(PublishLoad::connections))
    }

    /// Nodes that take sockets at the plan's best and worst moments; `None`
    /// for a system that the harness does not start.
    pub fn node_count_range(&self) -> Option<RangeInclusive<u64>> {
        let SystemSpec::Cluster(cluster) = &self.system else {
            return None;
        };
        let mut up: BTreeSet<String> = (1..=cluster.nodes).map(|n| format!("n{n}")).collect();
        let (mut fewest, mut most) = (up.len(), up.len());
        for event in &self.events {
            match EventKind::from(&event.action).node_effect() {
                NodeEffect::TakesSockets => {
                    up.insert(event.node.clone());
                }
                NodeEffect::TakesNone => {
                    up.remove(&event.node);
                }
                NodeEffect::Unchanged => {}
            }
            fewest = fewest.min(up.len());
            most = most.max(up.len());
        }
        Some(fewest as u64..=most as u64)
    }

    /// What a balancer forwards when clients spread evenly over all of them; `None`
    /// where the harness starts none.
    pub fn balancer_share(&self) -> Option<BalancerShare> {
        let SystemSpec::Cluster(cluster) = &self.system else {
            return None;
        };
        if cluster.balancer == BalancerKind::None {
            return None;
        }
        let balancers = u64::from(cluster.balancers.max(1));
        Some(BalancerShare {
            balancers,
            sockets: self.sockets().div_ceil(balancers),
            connections: self.http_connections().div_ceil(balancers),
        })
    }

    /// Open files that a part's sockets and HTTP connections take; the
    /// first part's are never fewer than another's.
    pub fn open_files(&self, part: Segment) -> u64 {
        self.sockets_of(part) + self.http_connections_of(part)
    }

    /// Pools that belong to the ramp.
    pub(crate) fn ramp_pools(&self) -> impl Iterator<Item = &DevicePool> {
        self.devices.iter().filter(|pool| pool.start.is_none())
    }
}

impl DevicePool {
    /// From the pool's first socket to its last.
    pub(crate) fn ramp_duration(&self) -> Duration {
        self.ramp.due(self.count.saturating_sub(1))
    }
}

impl CommandLoad {
    /// Most connections open at once: one per user; of arrivals, those within
    /// one timeout, and never more than may be in flight.
    pub(crate) fn max_connections(&self) -> u64 {
        match self.model {
            LoadModel::Closed { users, .. } => users,
            LoadModel::Open {
                rate,
                max_in_flight,
            } => {
                let within_timeout = (rate.as_per_second() * self.timeout.as_secs_f64()).ceil();
                (within_timeout as u64).min(max_in_flight).max(1)
            }
        }
    }

    /// See [`Plan::requests_per_s`].
    pub(crate) fn requests_per_s(&self) -> Option<f64> {
        match self.model {
            LoadModel::Closed { think, .. } if think.is_zero() => None,
            LoadModel::Closed { users, think } => Some(users as f64 / think.as_secs_f64()),
            LoadModel::Open { rate, .. } => Some(rate.as_per_second()),
        }
    }
}

/// Open files left for sockets and connections, of the files that a process may
/// open: all but [`RESERVED_FILES`]; where the limit is small, half; at least 1.
pub fn usable_files(files_per_process: u64) -> u64 {
    let reserve = RESERVED_FILES.min(files_per_process / 2);
    (files_per_process - reserve).max(1)
}
