//! Memory and CPU time of a control group of version 1, whose controllers have a tree each
//! (`docs.kernel.org/admin-guide/cgroup-v1`). It has no times of waiting.

use std::{
    fs,
    path::{Path, PathBuf},
};

use highwater_reports::record::names::gauge;

use super::{
    cgroup_text::{entry, number},
    gauges::{Gauges, measured},
};

/// The file that a group has in the tree of the controller `memory`, and only there.
pub(super) const MEMORY_FILE: &str = "memory.usage_in_bytes";

const NS_PER_S: f64 = 1e9;

/// Returns the values of a group, whose folder is that in the tree of `memory`; `None` if it does
/// not exist any more.
pub(super) fn gauges(memory: &Path) -> Option<Gauges> {
    let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).ok();
    let in_tree = |controller: &str, name: &str| read(&sibling(memory, controller)?, name);
    let usage = number(&read(memory, MEMORY_FILE)?);
    let stat = read(memory, "memory.stat").unwrap_or_default();
    // As with version 2; `total_` counts the groups below too.
    let in_use = usage.zip(entry(&stat, "total_inactive_file"));
    let seconds = |nanos: f64| nanos / NS_PER_S;
    let value = |controller: &str, name: &str| number(&in_tree(controller, name)?);
    let peak = read(memory, "memory.max_usage_in_bytes");
    let throttled = in_tree("cpu", "cpu.stat").and_then(|stat| entry(&stat, "throttled_time"));
    Some(measured([
        (
            gauge::RSS,
            in_use.map(|(usage, inactive)| (usage - inactive).max(0.0)),
        ),
        (
            gauge::CGROUP_MEMORY_PEAK,
            peak.and_then(|peak| number(&peak)),
        ),
        (gauge::CGROUP_ANON, entry(&stat, "total_rss")),
        (gauge::CPU, value("cpuacct", "cpuacct.usage").map(seconds)),
        (gauge::CGROUP_THROTTLED, throttled.map(seconds)),
        (gauge::CGROUP_PIDS, value("pids", "pids.current")),
    ]))
}

/// Returns the path below all trees of the group that a process has for memory, from
/// `/proc/PID/cgroup`: `memory/docker/1f2e`.
pub(super) fn group_of(text: &str) -> Option<PathBuf> {
    let mut lines = text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let (_, path) =
        lines.find(|(controllers, _)| controllers.split(',').any(|name| name == "memory"))?;
    Some(Path::new("memory").join(path.trim_start_matches('/')))
}

/// Returns the folder of the same group in the tree of another controller.
fn sibling(memory: &Path, controller: &str) -> Option<PathBuf> {
    // The outermost folder of this name is that of the tree.
    let trees = memory
        .ancestors()
        .filter(|folder| folder.ends_with("memory"));
    let tree = trees.last()?;
    let group = memory.strip_prefix(tree).ok()?;
    Some(tree.with_file_name(controller).join(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_has_a_folder_in_each_tree() {
        let root = tempfile::tempdir().unwrap();
        let write = |controller: &str, name: &str, text: &str| {
            let folder = root.path().join(controller).join("docker/1f2e");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), text).unwrap();
        };
        write("memory", MEMORY_FILE, "104857600\n");
        write("memory", "memory.max_usage_in_bytes", "209715200\n");
        write(
            "memory",
            "memory.stat",
            "rss 1\ntotal_rss 62914560\ntotal_inactive_file 31457280\n",
        );
        write("cpuacct", "cpuacct.usage", "2500000000\n");
        write(
            "cpu",
            "cpu.stat",
            "nr_periods 10\nnr_throttled 4\nthrottled_time 750000000\n",
        );
        write("pids", "pids.current", "12\n");
        let expected = [
            (gauge::RSS, 73_400_320.0),
            (gauge::CGROUP_MEMORY_PEAK, 209_715_200.0),
            (gauge::CGROUP_ANON, 62_914_560.0),
            (gauge::CPU, 2.5),
            (gauge::CGROUP_THROTTLED, 0.75),
            (gauge::CGROUP_PIDS, 12.0),
        ];
        let expected: Gauges = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let folder = root.path().join("memory/docker/1f2e");
        assert_eq!(gauges(&folder), Some(expected));
        assert_eq!(gauges(&root.path().join("memory/docker/other")), None);
    }

    #[test]
    fn group_is_that_of_the_memory_controller() {
        let text = "9:pids:/docker/1f\n4:cpu,memory:/docker/2e\n0::/\n";
        assert_eq!(group_of(text), Some(PathBuf::from("memory/docker/2e")));
        assert_eq!(group_of("0::/system.slice/docker-1.scope\n"), None);
    }
}
