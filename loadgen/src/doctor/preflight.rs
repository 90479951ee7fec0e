//! Whether a plan can be run on this machine.

use highwater_scenarios::Plan;

use super::{
    constraint::{CONSTRAINTS, Judgement, Remedy},
    limits::Limits,
    plan_load::Load,
    programs,
};

/// How a plan and a machine go together.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// What the plan takes.
    pub load: Load,
    /// What makes it impossible, the first to be named first; empty if it fits.
    pub obstacles: Vec<Finding>,
    /// What may go wrong.
    pub doubts: Vec<Finding>,
    /// Names of limits that could not be read.
    pub unknown: Vec<&'static str>,
}

/// Something that stands in a plan's way, and how to get rid of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What, with its figures; no full stop.
    pub what: String,
    /// What to do.
    pub remedy: Remedy,
}

impl Fit {
    /// Holds `plan` against `limits`, with `workers` local workers or as many
    /// as it needs.
    pub fn of(plan: &Plan, workers: Option<u32>, limits: &Limits) -> Self {
        let load = Load::new(
            plan,
            workers,
            limits.files.per_process(),
            limits.memory.left(),
        );
        let mut fit = Self {
            load,
            obstacles: Vec::new(),
            doubts: Vec::new(),
            unknown: Vec::new(),
        };
        for constraint in CONSTRAINTS {
            let judgement = constraint.judge(limits, &fit.load);
            fit.note(constraint.name(), judgement);
        }
        if let Some((name, judgement)) = programs::judge(plan, &limits.programs) {
            fit.note(name, judgement);
        }
        fit
    }

    fn note(&mut self, name: &'static str, judgement: Judgement) {
        match judgement {
            Judgement::Fits => {}
            Judgement::Unknown => self.unknown.push(name),
            Judgement::Doubtful(what, remedy) => self.doubts.push(Finding { what, remedy }),
            Judgement::TooMuch(what, remedy) => self.obstacles.push(Finding { what, remedy }),
        }
    }

    /// Whether nothing forbids it.
    pub fn fits(&self) -> bool {
        self.obstacles.is_empty()
    }
}
