//! `fs.file-max`: open files of all processes together.

use highwater_scenarios::format;

use super::{Constraint, Judgement, Most, Remedy, rounded_up};
use crate::doctor::{
    host_role::Demand,
    limits::{Files, Limits},
    plan_load::Load,
};

pub(super) struct FilesInAll;

impl Constraint for FilesInAll {
    fn name(&self) -> &'static str {
        "open files in all"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        match limits.files.left() {
            Some(files) => Most::Sockets(files / demand.files_on_host),
            None => Most::Unknown,
        }
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.files.system_max {
            Some(files) => format!("{} files in all", format::count(files)),
            None => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, demand: &Demand, wanted: u64) -> Remedy {
        raise(&limits.files, wanted.saturating_mul(demand.files_on_host))
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        match limits.files.left() {
            None => Judgement::Unknown,
            Some(left) if load.files <= left => Judgement::Fits,
            Some(left) => Judgement::TooMuch(
                format!(
                    "it takes {} open files, and the system has {} left",
                    format::count(load.files),
                    format::count(left)
                ),
                raise(&limits.files, load.files),
            ),
        }
    }
}

fn raise(limit: &Files, more: u64) -> Remedy {
    let files = more.saturating_add(limit.system_open.unwrap_or(0));
    Remedy::new("Raise the system's limit:")
        .with(format!("sysctl -w fs.file-max={}", rounded_up(files)))
}
