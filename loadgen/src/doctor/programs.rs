//! Programs that a plan has started, which a run does not install.

use highwater_scenarios::{
    Plan,
    plan::{Balancer, System},
};

use super::{
    constraint::{Judgement, Remedy},
    limits::{Presence, Programs},
};
use crate::program::Program;

/// Name of the program that `plan` needs in front of its nodes, and whether it is there;
/// `None` where it needs none.
pub(super) fn judge(plan: &Plan, programs: &Programs) -> Option<(&'static str, Judgement)> {
    let System::Cluster(cluster) = &plan.system else {
        return None;
    };
    let program = Program::of(cluster.balancer)?;
    let judgement = match programs.of(cluster.balancer) {
        Presence::Unknown => Judgement::Unknown,
        Presence::There => Judgement::Fits,
        Presence::Missing => {
            let what = format!("the program {} is not on this machine", program.name);
            let remedy = Remedy::new(
                "Install it, or take another balancer (--set cluster.balancer=gateway):",
            );
            let remedy = remedy.with_at(program.installation(), "Debian");
            Judgement::TooMuch(what, remedy)
        }
    };
    Some((program.name, judgement))
}

impl Programs {
    /// Which of them are where programs are looked for.
    pub(super) fn read() -> Self {
        let look = |balancer| match Program::of(balancer).and_then(Program::path) {
            Some(_) => Presence::There,
            None => Presence::Missing,
        };
        Self {
            nginx: look(Balancer::Nginx),
            haproxy: look(Balancer::Haproxy),
        }
    }

    /// Whether that of a balancer is there; our own always is.
    fn of(&self, balancer: Balancer) -> Presence {
        match balancer {
            Balancer::None | Balancer::Gateway => Presence::There,
            Balancer::Nginx => self.nginx,
            Balancer::Haproxy => self.haproxy,
        }
    }
}
