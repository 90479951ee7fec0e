//! Programs that a plan has started, which a run does not install.

use highwater_scenarios::{
    Plan,
    plan::{BalancerKind, SystemSpec},
};

use super::{
    constraint::{CheckResult, Fix},
    limits::{BalancerPrograms, ProgramPresence},
};
use crate::program::BalancerProgram;

/// Name of the program that `plan` needs in front of its nodes, and whether it is there;
/// `None` where it needs none.
pub(super) fn check(
    plan: &Plan,
    programs: &BalancerPrograms,
) -> Option<(&'static str, CheckResult)> {
    let SystemSpec::Cluster(cluster) = &plan.system else {
        return None;
    };
    let program = BalancerProgram::for_balancer(cluster.balancer)?;
    let judgement = match programs.presence_of(cluster.balancer) {
        ProgramPresence::Unknown => CheckResult::Unknown,
        ProgramPresence::Present => CheckResult::Pass,
        ProgramPresence::Missing => {
            let what = format!("the program {} is not on this machine", program.name);
            let remedy =
                Fix::new("Install it, or take another balancer (--set cluster.balancer=gateway):");
            let remedy = remedy.with_setting(program.install_command(), "Debian");
            CheckResult::Fail(what, remedy)
        }
    };
    Some((program.name, judgement))
}

impl BalancerPrograms {
    /// Which of them are where programs are looked for.
    pub(super) fn read() -> Self {
        let look = |balancer| match BalancerProgram::for_balancer(balancer)
            .and_then(BalancerProgram::path)
        {
            Some(_) => ProgramPresence::Present,
            None => ProgramPresence::Missing,
        };
        Self {
            nginx: look(BalancerKind::Nginx),
            haproxy: look(BalancerKind::Haproxy),
        }
    }

    /// Whether that of a balancer is there; our own always is.
    fn presence_of(&self, balancer: BalancerKind) -> ProgramPresence {
        match balancer {
            BalancerKind::None | BalancerKind::Gateway => ProgramPresence::Present,
            BalancerKind::Nginx => self.nginx,
            BalancerKind::Haproxy => self.haproxy,
        }
    }
}
