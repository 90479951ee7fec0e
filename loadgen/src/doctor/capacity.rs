//! The most sockets that a machine can open, for each use of it.

use std::fmt;

use super::{
    constraint::{CONSTRAINTS, Constraint, Fix},
    host_role::HostRole,
    limits::{HostLimits, Limit},
};

/// The capacity of a machine with known limits.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// One entry for each of [`HostRole::ALL`], in that order.
    pub roles: Vec<RoleCapacity>,
}

/// The numbers of sockets to which each limit lets one role grow.
#[derive(Debug, Clone)]
pub struct RoleCapacity {
    /// The role.
    pub role: HostRole,
    /// The limits that end its growth, the first to bind first.
    pub constraints: Vec<BindingConstraint>,
    /// Names of limits that apply to the role and could not be read.
    pub unknown: Vec<&'static str>,
}

/// A limit that ends the growth of a role.
#[derive(Clone, Copy)]
pub struct BindingConstraint {
    /// The number of sockets at which the limit binds.
    pub sockets: u64,
    /// The limit.
    pub constraint: &'static dyn Constraint,
}

impl Capacity {
    /// Computes the capacity of a machine with these limits.
    pub fn of(limits: &HostLimits) -> Self {
        let capacity = |role: &HostRole| RoleCapacity::of(*role, limits);
        Self {
            roles: HostRole::ALL.iter().map(capacity).collect(),
        }
    }

    /// Returns the capacity for one role.
    pub fn for_role(&self, role: HostRole) -> Option<&RoleCapacity> {
        self.roles.iter().find(|capacity| capacity.role == role)
    }
}

impl RoleCapacity {
    fn of(role: HostRole, limits: &HostLimits) -> Self {
        let demand = role.demand();
        let mut capacity = Self {
            role,
            constraints: Vec::new(),
            unknown: Vec::new(),
        };
        for constraint in CONSTRAINTS {
            match constraint.ceiling(limits, &demand) {
                Limit::Unlimited => {}
                Limit::Unknown => capacity.unknown.push(constraint.name()),
                Limit::AtMost(sockets) => capacity.constraints.push(BindingConstraint {
                    sockets,
                    constraint,
                }),
            }
        }
        // The sort is stable, so of two limits that bind at once the first in
        // `CONSTRAINTS` is named.
        capacity.constraints.sort_by_key(|binding| binding.sockets);
        capacity
    }

    /// Returns the limit that binds first; `None` if no limit could be read.
    pub fn binding_constraint(&self) -> Option<BindingConstraint> {
        self.constraints.first().copied()
    }

    /// Returns the limit that binds once the first is raised.
    pub fn next_constraint(&self) -> Option<BindingConstraint> {
        self.constraints.get(1).copied()
    }

    /// Returns the change that raises the first limit to where the next one binds.
    pub fn fix(&self, limits: &HostLimits) -> Option<Fix> {
        let first = self.binding_constraint()?;
        // Beyond the next limit a higher first limit gains nothing.
        let wanted = self.next_constraint().unwrap_or(first).sockets;
        let demand = self.role.demand();
        Some(first.constraint.fix(limits, &demand, wanted))
    }
}

impl fmt::Debug for BindingConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sockets: {}", self.sockets, self.constraint.name())
    }
}
