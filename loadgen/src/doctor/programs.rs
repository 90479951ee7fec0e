//! Programs that a plan needs and a run does not install.

use highwater_scenarios::{
    Plan,
    plan::{BalancerKind, SystemSpec},
};

use super::{
    constraint::{CheckResult, Fix},
    limits::{BalancerPrograms, ProgramPresence},
};
use crate::testbed::balancer;

/// Checks the program that the balancers of a plan need. Returns its name and the result;
/// `None` if they need none.
pub(super) fn check(
    plan: &Plan,
    programs: &BalancerPrograms,
) -> Option<(&'static str, CheckResult)> {
    let SystemSpec::Cluster(cluster) = &plan.system else {
        return None;
    };
    let program = balancer::driver(cluster.balancer)?.program?;
    let result = match programs.presence(cluster.balancer) {
        ProgramPresence::Unknown => CheckResult::Unknown,
        ProgramPresence::Present => CheckResult::Pass,
        ProgramPresence::Missing => {
            let message = format!("the program {} is not on this machine", program.name);
            let action = "Install it, or take another balancer (--set cluster.balancer=gateway):";
            let fix = Fix::new(action).with_setting(program.install_command(), "Debian");
            CheckResult::Fail(message, fix)
        }
    };
    Some((program.name, result))
}

impl BalancerPrograms {
    /// Looks for the program of each kind of balancer.
    pub(super) fn read() -> Self {
        Self(balancer::DRIVERS.map(|driver| match driver.program {
            Some(program) if program.path().is_none() => ProgramPresence::Missing,
            // This project's own gateway is part of the binary.
            _ => ProgramPresence::Present,
        }))
    }

    /// Returns names and presence of the programs that are not part of this project.
    pub(super) fn outside_programs(&self) -> impl Iterator<Item = (&'static str, ProgramPresence)> {
        balancer::DRIVERS
            .iter()
            .filter(|driver| driver.program.is_some())
            .filter_map(|driver| Some((driver.kind.name()?, self.presence(driver.kind))))
    }

    /// Every program with this presence.
    pub fn all(presence: ProgramPresence) -> Self {
        Self([presence; balancer::DRIVERS.len()])
    }

    /// Records whether the program of a kind of balancer is on the machine.
    pub fn set(&mut self, kind: BalancerKind, presence: ProgramPresence) {
        if let Some(index) = index_of(kind) {
            self.0[index] = presence;
        }
    }

    fn presence(&self, kind: BalancerKind) -> ProgramPresence {
        index_of(kind).map_or(ProgramPresence::Present, |index| self.0[index])
    }
}

/// Returns the place of a kind in the registry, and so in [`BalancerPrograms`].
fn index_of(kind: BalancerKind) -> Option<usize> {
    let mut drivers = balancer::DRIVERS.iter();
    drivers.position(|driver| driver.kind == kind)
}
