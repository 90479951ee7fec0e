//! Whether a plan can be run on this machine.

use highwater_scenarios::Plan;

use super::{
    constraint::{CONSTRAINTS, CheckResult, Fix},
    limits::HostLimits,
    plan_load::PlanLoad,
    programs,
};

/// How a plan and a machine go together.
#[derive(Debug, Clone, PartialEq)]
pub struct PreflightReport {
    /// What the plan takes.
    pub load: PlanLoad,
    /// What makes it impossible, the first to be named first; empty if it fits.
    pub failures: Vec<PreflightFinding>,
    /// What may go wrong.
    pub warnings: Vec<PreflightFinding>,
    /// Names of limits that could not be read.
    pub unknown: Vec<&'static str>,
}

/// Something that stands in a plan's way, and how to get rid of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightFinding {
    /// What, with its figures; no full stop.
    pub message: String,
    /// What to do.
    pub fix: Fix,
}

impl PreflightReport {
    /// Holds `plan` against `limits`, with `workers` local workers or as many
    /// as it needs.
    pub fn check(plan: &Plan, workers: Option<u32>, limits: &HostLimits) -> Self {
        let load = PlanLoad::new(
            plan,
            workers,
            limits.files.per_process(),
            limits.memory.remaining(),
        );
        let mut fit = Self {
            load,
            failures: Vec::new(),
            warnings: Vec::new(),
            unknown: Vec::new(),
        };
        for constraint in CONSTRAINTS {
            let judgement = constraint.check(limits, &fit.load);
            fit.record(constraint.name(), judgement);
        }
        if let Some((name, judgement)) = programs::check(plan, &limits.programs) {
            fit.record(name, judgement);
        }
        fit
    }

    fn record(&mut self, name: &'static str, judgement: CheckResult) {
        match judgement {
            CheckResult::Pass => {}
            CheckResult::Unknown => self.unknown.push(name),
            CheckResult::Warn(what, remedy) => self.warnings.push(PreflightFinding {
                message: what,
                fix: remedy,
            }),
            CheckResult::Fail(what, remedy) => self.failures.push(PreflightFinding {
                message: what,
                fix: remedy,
            }),
        }
    }

    /// Whether nothing forbids it.
    pub fn fits(&self) -> bool {
        self.failures.is_empty()
    }
}
