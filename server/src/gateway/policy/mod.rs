//! Balancing policies: pure functions of the candidates' loads, one file per policy.
//!
//! In reading order: `candidate`, `round_robin`, `least_conn`, `p2c`, `picker` (a policy with
//! its state).
//!
//! A new policy is a file with a `pick` function, a variant of [`GatewayPolicy`] and a line in
//! `picker`.

mod candidate;
mod least_conn;
mod p2c;
mod picker;
mod round_robin;

use std::{fmt, str::FromStr};

pub(super) use self::{candidate::Candidate, picker::Picker};

/// A policy by which a gateway chooses among the available nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayPolicy {
    /// The nodes in turn, by name.
    RoundRobin,
    /// The least loaded node.
    LeastConn,
    /// The less loaded of two random nodes.
    P2c,
    /// A random node.
    Random,
}

/// The error of a word that is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown policy {0:?}: expected \"round-robin\", \"least-conn\", \"p2c\" or \"random\"")]
pub struct UnknownPolicy(String);

impl GatewayPolicy {
    /// All policies.
    pub const ALL: [Self; 4] = [Self::RoundRobin, Self::LeastConn, Self::P2c, Self::Random];

    fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::LeastConn => "least-conn",
            Self::P2c => "p2c",
            Self::Random => "random",
        }
    }
}

impl FromStr for GatewayPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let mut all = Self::ALL.into_iter();
        all.find(|policy| policy.as_str() == text)
            .ok_or_else(|| UnknownPolicy(text.to_owned()))
    }
}

impl fmt::Display for GatewayPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_round_trips_as_text() {
        for policy in GatewayPolicy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        let error = "leastconn".parse::<GatewayPolicy>().unwrap_err();
        assert!(error.to_string().contains("least-conn"), "{error}");
    }
}
