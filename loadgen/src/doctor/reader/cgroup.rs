//! Limits of the control groups that this process is in, version 2 or 1.
//!
//! A limit holds for a group and all below it, so every group from this
//! process's up to the one that is mounted is asked, and the tightest counts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::doctor::limits::Limit;

/// Version 1 has no word for "no limit": it states the largest number of whole
/// pages, and nobody has half of that.
const NO_LIMIT: u64 = 1 << 62;

/// Memory in bytes.
pub(super) struct CgroupMemory {
    /// The smallest limit.
    pub(super) max: Limit,
    /// The smallest difference of limit and use.
    pub(super) available: Limit,
}

/// What the groups allow of memory.
pub(super) fn memory(root: &Path) -> CgroupMemory {
    let Some(groups) = Cgroups::for_controller(root, "memory") else {
        return CgroupMemory {
            max: Limit::Unknown,
            available: Limit::Unknown,
        };
    };
    let (max_file, used_file, inactive) = match groups.version {
        CgroupVersion::V1 => (
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file ",
        ),
        CgroupVersion::V2 => ("memory.max", "memory.current", "inactive_file "),
    };
    CgroupMemory {
        max: groups.tightest_limit(|group| read_limit(&group.join(max_file))),
        available: groups.tightest_limit(|group| match read_limit(&group.join(max_file)) {
            Limit::AtMost(max) => used_memory(group, used_file, inactive)
                .map_or(Limit::Unknown, |used| {
                    Limit::AtMost(max.saturating_sub(used))
                }),
            cap => cap,
        }),
    }
}

/// What they allow of threads.
pub(super) fn threads(root: &Path) -> Limit {
    Cgroups::for_controller(root, "pids").map_or(Limit::Unknown, |groups| {
        groups.tightest_limit(|group| read_limit(&group.join("pids.max")))
    })
}

/// What they allow of processors, in thousandths of one.
pub(super) fn read_quota_millicores(root: &Path) -> Limit {
    Cgroups::for_controller(root, "cpu").map_or(Limit::Unknown, |groups| {
        groups.tightest_limit(|group| match groups.version {
            CgroupVersion::V1 => to_millicores(
                read_limit(&group.join("cpu.cfs_quota_us")),
                read_limit(&group.join("cpu.cfs_period_us")),
            ),
            CgroupVersion::V2 => {
                let file = group.join("cpu.max");
                to_millicores(read_limit_word(&file, 0), read_limit_word(&file, 1))
            }
        })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    V1,
    V2,
}

/// Folders of the groups that this process is in, its own first.
struct Cgroups {
    version: CgroupVersion,
    folders: Vec<PathBuf>,
}

impl Cgroups {
    /// Those that answer for `controller`; `None` if they cannot be found.
    fn for_controller(root: &Path, controller: &str) -> Option<Self> {
        let own = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
        let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
        let (version, path) = cgroup_path(&own, controller)?;
        let mount = mounts
            .lines()
            .find_map(|line| parse_mount(line, version, controller))?;
        // A group outside of what is mounted here cannot be seen; the mounted
        // one holds it.
        let below = Path::new(path)
            .strip_prefix(mount.group)
            .unwrap_or(Path::new(""));
        let top = root.join(mount.point.trim_start_matches('/'));
        let folders = below.ancestors().map(|group| top.join(group)).collect();
        Some(Self { version, folders })
    }

    fn tightest_limit(&self, limit: impl Fn(&Path) -> Limit) -> Limit {
        let caps = self.folders.iter().map(|folder| limit(folder));
        caps.fold(Limit::Unlimited, |one, other| match (one, other) {
            (Limit::Unknown, _) | (_, Limit::Unknown) => Limit::Unknown,
            (Limit::AtMost(one), Limit::AtMost(other)) => Limit::AtMost(one.min(other)),
            (Limit::Unlimited, cap) | (cap, Limit::Unlimited) => cap,
        })
    }
}

/// This process's group for a controller, from lines like `4:memory:/a/b` of
/// version 1 or `0::/a/b` of version 2, which has what version 1 leaves it.
fn cgroup_path<'t>(own: &'t str, controller: &str) -> Option<(CgroupVersion, &'t str)> {
    let lines = || {
        own.lines()
            .map(|line| line.splitn(3, ':').collect::<Vec<_>>())
    };
    let one = lines().find_map(|parts| match parts[..] {
        [_, controllers, path] => controllers
            .split(',')
            .any(|name| name == controller)
            .then_some((CgroupVersion::V1, path)),
        _ => None,
    });
    let two = || {
        lines().find_map(|parts| match parts[..] {
            ["0", "", path] => Some((CgroupVersion::V2, path)),
            _ => None,
        })
    };
    one.or_else(two)
}

struct Mount<'t> {
    /// The group that is mounted.
    group: &'t str,
    /// Where.
    point: &'t str,
}

/// A line of `mountinfo`: `ID PARENT DEVICE GROUP POINT OPTIONS … - TYPE SOURCE
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
    if version == CgroupVersion::V1 && !controllers.split(',').any(|name| name == controller) {
        return None;
    }
    let mut place = place.split(' ').skip(3);
    Some(Mount {
        group: place.next()?,
        point: place.next()?,
    })
}

/// Memory in use that cannot be had back at once: without file pages that
/// nobody has looked at lately.
fn used_memory(group: &Path, file: &str, inactive: &str) -> Option<u64> {
    let used = match read_limit(&group.join(file)) {
        Limit::AtMost(used) => used,
        Limit::Unlimited | Limit::Unknown => return None,
    };
    let stat = fs::read_to_string(group.join("memory.stat")).ok()?;
    let inactive = stat.lines().find_map(|line| line.strip_prefix(inactive))?;
    Some(used.saturating_sub(inactive.trim().parse().ok()?))
}

/// A quota in a period, in thousandths.
fn to_millicores(quota: Limit, period: Limit) -> Limit {
    match (quota, period) {
        (Limit::Unlimited, _) => Limit::Unlimited,
        (Limit::AtMost(quota), Limit::AtMost(period)) if period > 0 => {
            Limit::AtMost(quota.saturating_mul(1_000) / period)
        }
        _ => Limit::Unknown,
    }
}

fn read_limit(file: &Path) -> Limit {
    read_limit_word(file, 0)
}

/// A figure of a group's file. The topmost group has no such file, nor has one
/// whose controller is off: neither limits anything.
fn read_limit_word(file: &Path, number: usize) -> Limit {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Limit::Unlimited,
        Err(_) => return Limit::Unknown,
    };
    match text.split_whitespace().nth(number) {
        Some("max" | "-1") => Limit::Unlimited,
        Some(word) => match word.parse() {
            Ok(figure) if figure >= NO_LIMIT => Limit::Unlimited,
            Ok(figure) => Limit::AtMost(figure),
            Err(_) => Limit::Unknown,
        },
        None => Limit::Unknown,
    }
}
