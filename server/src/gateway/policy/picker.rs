//! A policy with its state.

use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{Candidate, GatewayPolicy, least_conn, p2c, round_robin};
use crate::id::NodeId;

/// A policy that chooses one node after the other.
pub(in crate::gateway) struct Picker {
    policy: GatewayPolicy,
    /// The node chosen last, for round-robin.
    last: Option<NodeId>,
    rng: SmallRng,
}

impl Picker {
    pub(in crate::gateway) fn new(policy: GatewayPolicy, seed: u64) -> Self {
        Self {
            policy,
            last: None,
            rng: SmallRng::seed_from_u64(seed),
        }
    }

    /// Chooses one of the candidates, which are in the order of their names.
    pub(in crate::gateway) fn pick<'c>(
        &mut self,
        candidates: &'c [Candidate],
    ) -> Option<&'c Candidate> {
        if candidates.is_empty() {
            return None;
        }
        let at = match self.policy {
            GatewayPolicy::RoundRobin => round_robin::pick(candidates, self.last.as_ref()),
            GatewayPolicy::LeastConn => least_conn::pick(candidates, &mut self.rng),
            GatewayPolicy::P2c => p2c::pick(candidates, &mut self.rng),
            GatewayPolicy::Random => self.rng.random_range(0..candidates.len()),
        };
        let chosen = candidates.get(at)?;
        self.last = Some(chosen.id.clone());
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(loads: &[u64]) -> Vec<Candidate> {
        let candidate = |(number, load): (usize, &u64)| Candidate {
            id: format!("n{number:03}").parse().unwrap(),
            load: *load as f64,
            sockets: *load,
        };
        loads.iter().enumerate().map(candidate).collect()
    }

    fn chosen(policy: GatewayPolicy, candidates: &[Candidate], times: usize) -> Vec<String> {
        let mut picker = Picker::new(policy, 7);
        let pick = |_| picker.pick(candidates).unwrap().id.to_string();
        (0..times).map(pick).collect()
    }

    #[test]
    fn no_candidate_is_chosen_from_none() {
        for policy in GatewayPolicy::ALL {
            assert_eq!(Picker::new(policy, 7).pick(&[]), None);
        }
    }

    #[test]
    fn round_robin_keeps_its_turn_when_nodes_join_and_leave() {
        let all = candidates(&[0, 0, 0, 0]);
        let mut picker = Picker::new(GatewayPolicy::RoundRobin, 7);
        let mut next = |of: &[Candidate]| picker.pick(of).unwrap().id.to_string();
        assert_eq!(next(&all), "n000");
        assert_eq!(next(&all), "n001");
        assert_eq!(next(&all[2..]), "n002");
        assert_eq!(next(&all[..3]), "n000", "n003 has left");
        assert_eq!(next(&all), "n001");
    }

    #[test]
    fn equal_nodes_are_chosen_equally_often() {
        for policy in GatewayPolicy::ALL {
            let chosen = chosen(policy, &candidates(&[5, 5, 5]), 3000);
            for name in ["n000", "n001", "n002"] {
                let times = chosen.iter().filter(|id| *id == name).count();
                // Five standard deviations of a binomial share.
                assert!((870..=1130).contains(&times), "{policy} {name}: {times}");
            }
        }
    }

    proptest! {
        #[test]
        fn least_conn_chooses_the_least_loaded(loads in prop::collection::vec(0u64..50, 1..12)) {
            let candidates = candidates(&loads);
            for id in chosen(GatewayPolicy::LeastConn, &candidates, 20) {
                let at = candidates.iter().position(|of| of.id.as_str() == id).unwrap();
                prop_assert_eq!(loads[at], *loads.iter().min().unwrap());
            }
        }

        #[test]
        fn p2c_never_chooses_the_most_loaded(loads in prop::collection::vec(0u64..50, 2..12)) {
            let candidates = candidates(&loads);
            // Of two nodes, the most loaded is chosen only if both are.
            let most = *loads.iter().max().unwrap();
            prop_assume!(loads.iter().filter(|load| **load == most).count() == 1);
            for id in chosen(GatewayPolicy::P2c, &candidates, 50) {
                let at = candidates.iter().position(|of| of.id.as_str() == id).unwrap();
                prop_assert_ne!(loads[at], most);
            }
        }
    }
}
