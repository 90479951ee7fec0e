//! `fs.file-max`: the open files of all processes together.

use highwater_types::format::count;

use super::{CheckResult, Constraint, Fix, round_up};
use crate::doctor::{
    host_role::SocketDemand,
    limits::{FileLimits, HostLimits, Limit},
    numbers::number_text,
    plan_load::PlanLoad,
};

/// Open files of all processes.
pub(super) struct SystemFilesConstraint;

impl Constraint for SystemFilesConstraint {
    fn name(&self) -> &'static str {
        "open files in all"
    }

    fn short_name(&self) -> &'static str {
        "files"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        Limit::from(limits.files.remaining()).map(|files| files / demand.files_on_host)
    }

    fn describe(&self, limits: &HostLimits) -> String {
        format!("{} files in all", number_text(limits.files.system_max))
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        raise(&limits.files, wanted.saturating_mul(demand.files_on_host))
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        match limits.files.remaining() {
            None => CheckResult::Unknown,
            Some(left) if load.files <= left => CheckResult::Pass,
            Some(left) => {
                let message = format!(
                    "it takes {} open files, and the system has {} left",
                    count(load.files),
                    count(left)
                );
                CheckResult::Fail(message, raise(&limits.files, load.files))
            }
        }
    }
}

fn raise(limit: &FileLimits, more: u64) -> Fix {
    // The setting counts the files of all programs.
    let files = more.saturating_add(limit.system_open.unwrap_or(0));
    Fix::new("Raise the system's limit:")
        .with_command(format!("sysctl -w fs.file-max={}", round_up(files)))
}
