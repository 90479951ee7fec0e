//! `fs.file-max`: the open files of all processes together.

use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix, round_up};
use crate::doctor::{
    host_role::SocketDemand,
    limits::{FileLimits, HostLimits},
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

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling {
        match limits.files.remaining() {
            Some(files) => Ceiling::Sockets(files / demand.files_on_host),
            None => Ceiling::Unknown,
        }
    }

    fn describe(&self, limits: &HostLimits) -> String {
        match limits.files.system_max {
            Some(files) => format!("{} files in all", format::count(files)),
            None => self.name().to_owned(),
        }
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        raise(&limits.files, wanted.saturating_mul(demand.files_on_host))
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        match limits.files.remaining() {
            None => CheckResult::Unknown,
            Some(left) if load.files <= left => CheckResult::Pass,
            Some(left) => CheckResult::Fail(
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

fn raise(limit: &FileLimits, more: u64) -> Fix {
    // The setting counts the files of all programs.
    let files = more.saturating_add(limit.system_open.unwrap_or(0));
    Fix::new("Raise the system's limit:")
        .with_command(format!("sysctl -w fs.file-max={}", round_up(files)))
}
