//! The check whether this machine can run a plan.

use highwater_scenarios::Plan;

use super::{
    constraint::{CONSTRAINTS, CheckResult, Fix},
    limits::HostLimits,
    plan_load::PlanLoad,
    programs,
};
use crate::coordinator::LocalWorkers;

/// The results of all checks of a plan against a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct PreflightReport {
    /// The load of the plan.
    pub load: PlanLoad,
    /// Findings that make the run impossible, in the order of the constraints.
    pub failures: Vec<PreflightFinding>,
    /// Findings that may disturb the run.
    pub warnings: Vec<PreflightFinding>,
    /// Names of limits that could not be read.
    pub unknown: Vec<&'static str>,
}

/// A problem of a plan on this machine, and the way to solve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightFinding {
    /// The problem with its numbers, without a full stop.
    pub message: String,
    /// The change that solves it.
    pub fix: Fix,
}

impl PreflightReport {
    /// Checks `plan` with local `workers` against `limits`.
    pub fn check(plan: &Plan, workers: &LocalWorkers, limits: &HostLimits) -> Self {
        let load = PlanLoad::new(
            plan,
            workers,
            limits.files.per_process(),
            limits.memory.remaining(),
        );
        let mut report = Self {
            load,
            failures: Vec::new(),
            warnings: Vec::new(),
            unknown: Vec::new(),
        };
        for constraint in CONSTRAINTS {
            let result = constraint.check(limits, &report.load);
            report.record(constraint.name(), result);
        }
        if let Some((name, result)) = programs::check(plan, &limits.programs) {
            report.record(name, result);
        }
        report
    }

    /// Whether no check failed.
    pub fn fits(&self) -> bool {
        self.failures.is_empty()
    }

    fn record(&mut self, name: &'static str, result: CheckResult) {
        match result {
            CheckResult::Pass => {}
            CheckResult::Unknown => self.unknown.push(name),
            CheckResult::Warn(message, fix) => {
                self.warnings.push(PreflightFinding { message, fix });
            }
            CheckResult::Fail(message, fix) => {
                self.failures.push(PreflightFinding { message, fix });
            }
        }
    }
}
