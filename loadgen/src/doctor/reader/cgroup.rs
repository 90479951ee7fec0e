//! The limits of the control groups that this process is in, version 2 or 1.
//!
//! A limit holds for a group and all groups below it. Therefore every group from this
//! process's up to the mounted one is read, and the tightest limit counts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::doctor::limits::{Limit, MemoryLimits};

/// The smallest value that means "no limit". Version 1 has no word for that and states the
/// largest number of whole pages, near 2^63.
const NO_LIMIT: u64 = 1 << 62;

/// Reads the memory limits of the groups. Those of the machine are left unknown.
pub(super) fn memory(root: &Path) -> MemoryLimits {
    let Some(groups) = Cgroups::for_controller(root, "memory") else {
        return MemoryLimits::default();
    };
    let (max_file, used_file, inactive) = match groups.version {
        CgroupVersion::V1 => (
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file ",
        ),
        CgroupVersion::V2 => ("memory.max", "memory.current", "inactive_file "),
    };
    let max = |group: &Path| read_limit(&group.join(max_file), 0);
    let available = |group: &Path| match max(group) {
        Limit::AtMost(max) => {
            let used = used_memory(group, used_file, inactive);
            used.map(|used| max.saturating_sub(used)).into()
        }
        limit => limit,
    };
    MemoryLimits {
        cgroup_max: groups.tightest_limit(max),
        // On its own: another group than the one with the lowest limit may have less left.
        cgroup_available: groups.tightest_limit(available),
        ..MemoryLimits::default()
    }
}

/// Reads the limit of threads.
pub(super) fn threads(root: &Path) -> Limit {
    let groups = Cgroups::for_controller(root, "pids");
    let limit = |group: &Path| read_limit(&group.join("pids.max"), 0);
    groups.map_or(Limit::Unknown, |groups| groups.tightest_limit(limit))
}

/// Reads the CPU quota, in thousandths of a core.
pub(super) fn read_quota_millicores(root: &Path) -> Limit {
    Cgroups::for_controller(root, "cpu").map_or(Limit::Unknown, |groups| {
        groups.tightest_limit(|group| match groups.version {
            CgroupVersion::V1 => to_millicores(
                read_limit(&group.join("cpu.cfs_quota_us"), 0),
                read_limit(&group.join("cpu.cfs_period_us"), 0),
            ),
            // One file holds both: `QUOTA PERIOD`.
            CgroupVersion::V2 => {
                let file = group.join("cpu.max");
                to_millicores(read_limit(&file, 0), read_limit(&file, 1))
            }
        })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    V1,
    V2,
}

/// The folders of the groups that this process is in, its own first.
struct Cgroups {
    version: CgroupVersion,
    folders: Vec<PathBuf>,
}

impl Cgroups {
    /// Finds the groups of `controller`; `None` if they cannot be found.
    fn for_controller(root: &Path, controller: &str) -> Option<Self> {
        let own = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
        let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
        // Controllers of version 1 have a hierarchy each, so the group depends on the
        // controller.
        let (version, path) = cgroup_path(&own, controller)?;
        let mount = mounts
            .lines()
            .find_map(|line| parse_mount(line, version, controller))?;
        // A group outside of the mounted one is invisible here, as in a container. It lies
        // below the mounted one, so that is the only one to read.
        let below = Path::new(path)
            .strip_prefix(mount.group)
            .unwrap_or(Path::new(""));
        let top = root.join(mount.point.trim_start_matches('/'));
        let folders = below.ancestors().map(|group| top.join(group)).collect();
        Some(Self { version, folders })
    }

    fn tightest_limit(&self, limit: impl Fn(&Path) -> Limit) -> Limit {
        let limits = self.folders.iter().map(|folder| limit(folder));
        limits.fold(Limit::Unlimited, |first, second| match (first, second) {
            // An unknown limit may be the tightest one.
            (Limit::Unknown, _) | (_, Limit::Unknown) => Limit::Unknown,
            (Limit::AtMost(first), Limit::AtMost(second)) => Limit::AtMost(first.min(second)),
            (Limit::Unlimited, limit) | (limit, Limit::Unlimited) => limit,
        })
    }
}

/// Returns this process's group for a controller, from lines like `4:memory:/a/b` of version 1
/// or `0::/a/b` of version 2.
fn cgroup_path<'t>(own: &'t str, controller: &str) -> Option<(CgroupVersion, &'t str)> {
    let version_1 = own.lines().find_map(|line| {
        let (_, group) = line.split_once(':')?;
        // At the first colon: the path may contain some.
        let (controllers, path) = group.split_once(':')?;
        has_controller(controllers, controller).then_some((CgroupVersion::V1, path))
    });
    let version_2 = || {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        Some((CgroupVersion::V2, path))
    };
    // Both versions may be mounted. Version 2 then has the controllers that version 1 does not
    // list.
    version_1.or_else(version_2)
}

/// Whether a list like `cpu,cpuacct` contains a controller.
fn has_controller(list: &str, controller: &str) -> bool {
    list.split(',').any(|name| name == controller)
}

/// A mounted hierarchy of groups.
struct Mount<'t> {
    /// The mounted group.
    group: &'t str,
    /// The mount point.
    point: &'t str,
}

/// Parses a line of `mountinfo`: `ID PARENT DEVICE GROUP POINT OPTIONS … - TYPE SOURCE
/// CONTROLLERS`.
fn parse_mount<'t>(line: &'t str, version: CgroupVersion, controller: &str) -> Option<Mount<'t>> {
    let (place, file_system) = line.split_once(" - ")?;
    let mut file_system = file_system.split(' ');
    let wanted = match version {
        CgroupVersion::V1 => "cgroup",
        CgroupVersion::V2 => "cgroup2",
    };
    if file_system.next() != Some(wanted) {
        return None;
    }
    let controllers = file_system.nth(1)?;
    if version == CgroupVersion::V1 && !has_controller(controllers, controller) {
        return None;
    }
    // Fields 4 and 5 (proc_pid_mountinfo(5)).
    let mut place = place.split(' ').skip(3);
    Some(Mount {
        group: place.next()?,
        point: place.next()?,
    })
}

/// Returns the memory in use without inactive file pages, which the kernel can free at once.
fn used_memory(group: &Path, file: &str, inactive: &str) -> Option<u64> {
    let used = read_limit(&group.join(file), 0).value()?;
    let stat = fs::read_to_string(group.join("memory.stat")).ok()?;
    let inactive = stat.lines().find_map(|line| line.strip_prefix(inactive))?;
    // The files are read one after the other, so the second number may be the larger one.
    Some(used.saturating_sub(inactive.trim().parse().ok()?))
}

/// Returns a quota in a period, in thousandths of a core.
fn to_millicores(quota: Limit, period: Limit) -> Limit {
    match (quota, period) {
        (Limit::Unlimited, _) => Limit::Unlimited,
        (Limit::AtMost(quota), Limit::AtMost(period)) if period > 0 => {
            Limit::AtMost(quota.saturating_mul(1_000) / period)
        }
        _ => Limit::Unknown,
    }
}

/// Returns word number `word`, counted from 0, of a group's file.
fn read_limit(file: &Path, word: usize) -> Limit {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        // The topmost group has no such file, and neither has a group whose controller is
        // off. Neither limits anything.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Limit::Unlimited,
        Err(_) => return Limit::Unknown,
    };
    match text.split_whitespace().nth(word) {
        // Version 2 and version 1 write "no limit" in these words.
        Some("max" | "-1") => Limit::Unlimited,
        word => match word.and_then(|word| word.parse().ok()) {
            Some(NO_LIMIT..) => Limit::Unlimited,
            limit => limit.into(),
        },
    }
}
