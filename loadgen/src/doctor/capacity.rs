//! The most sockets that a machine can open, for each use of it.

use std::fmt;

use super::{
    constraint::{CONSTRAINTS, Constraint, Most, Remedy},
    host_role::Usage,
    limits::Limits,
};

/// What follows from a machine's limits.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// One for each of [`Usage::ALL`], in that order.
    pub ceilings: Vec<Ceilings>,
}

/// How far each limit lets one usage grow.
#[derive(Debug, Clone)]
pub struct Ceilings {
    /// The usage.
    pub usage: Usage,
    /// What ends it, the first to bind first.
    pub ceilings: Vec<Ceiling>,
    /// Names of limits that would count and could not be read.
    pub unknown: Vec<&'static str>,
}

/// A limit that ends the growth of a usage.
#[derive(Clone, Copy)]
pub struct Ceiling {
    /// At so many sockets.
    pub sockets: u64,
    /// Which limit.
    pub constraint: &'static dyn Constraint,
}

impl Capacity {
    /// What follows from `limits`.
    pub fn of(limits: &Limits) -> Self {
        let of = |usage: &Usage| Ceilings::of(*usage, limits);
        Self {
            ceilings: Usage::ALL.iter().map(of).collect(),
        }
    }

    /// The ceilings of `usage`.
    pub fn ceilings_of(&self, usage: Usage) -> Option<&Ceilings> {
        self.ceilings
            .iter()
            .find(|ceilings| ceilings.usage == usage)
    }
}

impl Ceilings {
    fn of(usage: Usage, limits: &Limits) -> Self {
        let demand = usage.demand();
        let mut found = Self {
            usage,
            ceilings: Vec::new(),
            unknown: Vec::new(),
        };
        for constraint in CONSTRAINTS {
            match constraint.most(limits, &demand) {
                Most::Any => {}
                Most::Unknown => found.unknown.push(constraint.name()),
                Most::Sockets(sockets) => found.ceilings.push(Ceiling {
                    sockets,
                    constraint,
                }),
            }
        }
        found.ceilings.sort_by_key(|ceiling| ceiling.sockets);
        found
    }

    /// What binds first; `None` if no limit could be read.
    pub fn first(&self) -> Option<Ceiling> {
        self.ceilings.first().copied()
    }

    /// What binds once the first is out of the way.
    pub fn next(&self) -> Option<Ceiling> {
        self.ceilings.get(1).copied()
    }

    /// How the first is brought to where the next one binds.
    pub fn remedy(&self, limits: &Limits) -> Option<Remedy> {
        let first = self.first()?;
        let wanted = self.next().map_or(first.sockets, |next| next.sockets);
        let demand = self.usage.demand();
        Some(first.constraint.remedy(limits, &demand, wanted))
    }
}

impl fmt::Debug for Ceiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sockets: {}", self.sockets, self.constraint.name())
    }
}
