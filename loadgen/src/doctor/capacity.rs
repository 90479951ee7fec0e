//! The most sockets that a machine can open, for each use of it.

use std::fmt;

use super::{
    constraint::{CONSTRAINTS, Ceiling, Constraint, Fix},
    host_role::HostRole,
    limits::HostLimits,
};

/// What follows from a machine's limits.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// One for each of [`HostRole::ALL`], in that order.
    pub roles: Vec<RoleCapacity>,
}

/// How far each limit lets one usage grow.
#[derive(Debug, Clone)]
pub struct RoleCapacity {
    /// The usage.
    pub role: HostRole,
    /// What ends it, the first to bind first.
    pub constraints: Vec<BindingConstraint>,
    /// Names of limits that would count and could not be read.
    pub unknown: Vec<&'static str>,
}

/// A limit that ends the growth of a usage.
#[derive(Clone, Copy)]
pub struct BindingConstraint {
    /// At so many sockets.
    pub sockets: u64,
    /// Which limit.
    pub constraint: &'static dyn Constraint,
}

impl Capacity {
    /// What follows from `limits`.
    pub fn of(limits: &HostLimits) -> Self {
        let of = |usage: &HostRole| RoleCapacity::of(*usage, limits);
        Self {
            roles: HostRole::ALL.iter().map(of).collect(),
        }
    }

    /// The ceilings of `usage`.
    pub fn for_role(&self, usage: HostRole) -> Option<&RoleCapacity> {
        self.roles.iter().find(|ceilings| ceilings.role == usage)
    }
}

impl RoleCapacity {
    fn of(usage: HostRole, limits: &HostLimits) -> Self {
        let demand = usage.demand();
        let mut found = Self {
            role: usage,
            constraints: Vec::new(),
            unknown: Vec::new(),
        };
        for constraint in CONSTRAINTS {
            match constraint.ceiling(limits, &demand) {
                Ceiling::Unlimited => {}
                Ceiling::Unknown => found.unknown.push(constraint.name()),
                Ceiling::Sockets(sockets) => found.constraints.push(BindingConstraint {
                    sockets,
                    constraint,
                }),
            }
        }
        found.constraints.sort_by_key(|ceiling| ceiling.sockets);
        found
    }

    /// What binds first; `None` if no limit could be read.
    pub fn binding_constraint(&self) -> Option<BindingConstraint> {
        self.constraints.first().copied()
    }

    /// What binds once the first is out of the way.
    pub fn next_constraint(&self) -> Option<BindingConstraint> {
        self.constraints.get(1).copied()
    }

    /// How the first is brought to where the next one binds.
    pub fn fix(&self, limits: &HostLimits) -> Option<Fix> {
        let first = self.binding_constraint()?;
        let wanted = self
            .next_constraint()
            .map_or(first.sockets, |next| next.sockets);
        let demand = self.role.demand();
        Some(first.constraint.fix(limits, &demand, wanted))
    }
}

impl fmt::Debug for BindingConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sockets: {}", self.sockets, self.constraint.name())
    }
}
