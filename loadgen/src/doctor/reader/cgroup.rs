//! Limits of the control groups that this process is in, version 2 or 1.
//!
//! A limit holds for a group and all below it, so every group from this
//! process's up to the one that is mounted is asked, and the tightest counts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::doctor::limits::Cap;

/// Version 1 has no word for "no limit": it states the largest number of whole
/// pages, and nobody has half of that.
const NO_LIMIT: u64 = 1 << 62;

/// Memory in bytes.
pub(super) struct GroupMemory {
    /// The smallest limit.
    pub(super) max: Cap,
    /// The smallest difference of limit and use.
    pub(super) room: Cap,
}

/// What the groups allow of memory.
pub(super) fn memory(root: &Path) -> GroupMemory {
    let Some(groups) = Groups::of(root, "memory") else {
        return GroupMemory {
            max: Cap::Unknown,
            room: Cap::Unknown,
        };
    };
    let (max_file, used_file, inactive) = match groups.version {
        Version::One => (
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file ",
        ),
        Version::Two => ("memory.max", "memory.current", "inactive_file "),
    };
    GroupMemory {
        max: groups.tightest(|group| limit(&group.join(max_file))),
        room: groups.tightest(|group| match limit(&group.join(max_file)) {
            Cap::At(max) => used(group, used_file, inactive)
                .map_or(Cap::Unknown, |used| Cap::At(max.saturating_sub(used))),
            cap => cap,
        }),
    }
}

/// What they allow of threads.
pub(super) fn threads(root: &Path) -> Cap {
    Groups::of(root, "pids").map_or(Cap::Unknown, |groups| {
        groups.tightest(|group| limit(&group.join("pids.max")))
    })
}

/// What they allow of processors, in thousandths of one.
pub(super) fn processor_thousandths(root: &Path) -> Cap {
    Groups::of(root, "cpu").map_or(Cap::Unknown, |groups| {
        groups.tightest(|group| match groups.version {
            Version::One => share(
                limit(&group.join("cpu.cfs_quota_us")),
                limit(&group.join("cpu.cfs_period_us")),
            ),
            Version::Two => {
                let file = group.join("cpu.max");
                share(word(&file, 0), word(&file, 1))
            }
        })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Folders of the groups that this process is in, its own first.
struct Groups {
    version: Version,
    folders: Vec<PathBuf>,
}

impl Groups {
    /// Those that answer for `controller`; `None` if they cannot be found.
    fn of(root: &Path, controller: &str) -> Option<Self> {
        let own = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
        let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
        let (version, path) = membership(&own, controller)?;
        let mount = mounts
            .lines()
            .find_map(|line| mounted(line, version, controller))?;
        // A group outside of what is mounted here cannot be seen; the mounted
        // one holds it.
        let below = Path::new(path)
            .strip_prefix(mount.group)
            .unwrap_or(Path::new(""));
        let top = root.join(mount.point.trim_start_matches('/'));
        let folders = below.ancestors().map(|group| top.join(group)).collect();
        Some(Self { version, folders })
    }

    fn tightest(&self, limit: impl Fn(&Path) -> Cap) -> Cap {
        let caps = self.folders.iter().map(|folder| limit(folder));
        caps.fold(Cap::None, |one, other| match (one, other) {
            (Cap::Unknown, _) | (_, Cap::Unknown) => Cap::Unknown,
            (Cap::At(one), Cap::At(other)) => Cap::At(one.min(other)),
            (Cap::None, cap) | (cap, Cap::None) => cap,
        })
    }
}

/// This process's group for a controller, from lines like `4:memory:/a/b` of
/// version 1 or `0::/a/b` of version 2, which has what version 1 leaves it.
fn membership<'t>(own: &'t str, controller: &str) -> Option<(Version, &'t str)> {
    let lines = || {
        own.lines()
            .map(|line| line.splitn(3, ':').collect::<Vec<_>>())
    };
    let one = lines().find_map(|parts| match parts[..] {
        [_, controllers, path] => controllers
            .split(',')
            .any(|name| name == controller)
            .then_some((Version::One, path)),
        _ => None,
    });
    let two = || {
        lines().find_map(|parts| match parts[..] {
            ["0", "", path] => Some((Version::Two, path)),
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
fn mounted<'t>(line: &'t str, version: Version, controller: &str) -> Option<Mount<'t>> {
    let (place, file_system) = line.split_once(" - ")?;
    let mut file_system = file_system.split(' ');
    let wanted = match version {
        Version::One => "cgroup",
        Version::Two => "cgroup2",
    };
    if file_system.next() != Some(wanted) {
        return None;
    }
    let controllers = file_system.nth(1)?;
    if version == Version::One && !controllers.split(',').any(|name| name == controller) {
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
fn used(group: &Path, file: &str, inactive: &str) -> Option<u64> {
    let used = match limit(&group.join(file)) {
        Cap::At(used) => used,
        Cap::None | Cap::Unknown => return None,
    };
    let stat = fs::read_to_string(group.join("memory.stat")).ok()?;
    let inactive = stat.lines().find_map(|line| line.strip_prefix(inactive))?;
    Some(used.saturating_sub(inactive.trim().parse().ok()?))
}

/// A quota in a period, in thousandths.
fn share(quota: Cap, period: Cap) -> Cap {
    match (quota, period) {
        (Cap::None, _) => Cap::None,
        (Cap::At(quota), Cap::At(period)) if period > 0 => {
            Cap::At(quota.saturating_mul(1_000) / period)
        }
        _ => Cap::Unknown,
    }
}

fn limit(file: &Path) -> Cap {
    word(file, 0)
}

/// A figure of a group's file. The topmost group has no such file, nor has one
/// whose controller is off: neither limits anything.
fn word(file: &Path, number: usize) -> Cap {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Cap::None,
        Err(_) => return Cap::Unknown,
    };
    match text.split_whitespace().nth(number) {
        Some("max" | "-1") => Cap::None,
        Some(word) => match word.parse() {
            Ok(figure) if figure >= NO_LIMIT => Cap::None,
            Ok(figure) => Cap::At(figure),
            Err(_) => Cap::Unknown,
        },
        None => Cap::Unknown,
    }
}
