//! Memory and CPU time of a control group, from the files of cgroup v2
//! (`docs.kernel.org/admin-guide/cgroup-v2.html`) or, on a machine without it, of version 1.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use highwater_reports::record::names::gauge;

use super::{
    cgroup_text::{entry, number},
    cgroup_v1,
    gauges::{Gauges, measured},
};

/// The place at which Linux mounts the tree of groups.
const ROOT: &str = "/sys/fs/cgroup";

/// The texts of a group's files. A file that does not exist is an empty text.
#[derive(Debug, Default)]
struct CgroupTexts {
    memory_current: String,
    /// A file that kernels have from 5.19 on.
    memory_peak: String,
    memory_stat: String,
    cpu_stat: String,
    pids_current: String,
    cpu_pressure: String,
    memory_pressure: String,
    io_pressure: String,
}

/// Returns the folder of a group, whose path is absolute or below the root of all groups.
pub(crate) fn folder(path: &str) -> PathBuf {
    // Joining an absolute path replaces the root.
    Path::new(ROOT).join(path)
}

/// Returns the folder of the group that a process is in; `None` where the machine has no
/// groups with memory or CPU time.
pub(crate) fn folder_of(pid: u32) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let v2 = group_of(&text).map(|group| folder(group.trim_start_matches('/')));
    // A machine with both versions has the controllers in one of them.
    let v1 = cgroup_v1::group_of(&text).map(|group| Path::new(ROOT).join(group));
    let mut folders = v1.into_iter().chain(v2);
    folders.find(|folder| check(folder).is_ok())
}

/// Checks that a folder is a group with values to sample.
///
/// # Errors
///
/// If neither memory nor CPU time can be read there.
pub(crate) fn check(folder: &Path) -> io::Result<()> {
    // The root group has CPU time and no memory of its own.
    let read = |name: &str| fs::read(folder.join(name));
    read("memory.current")
        .or_else(|_| read(cgroup_v1::MEMORY_FILE))
        .or_else(|_| read("cpu.stat"))?;
    Ok(())
}

/// Returns the values of a group; `None` if it does not exist any more.
pub(super) fn gauges(folder: &Path) -> Option<Gauges> {
    check(folder).ok()?;
    if let Some(gauges) = cgroup_v1::gauges(folder) {
        return Some(gauges);
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    Some(parse(&CgroupTexts {
        memory_current: read("memory.current"),
        memory_peak: read("memory.peak"),
        memory_stat: read("memory.stat"),
        cpu_stat: read("cpu.stat"),
        pids_current: read("pids.current"),
        cpu_pressure: read("cpu.pressure"),
        memory_pressure: read("memory.pressure"),
        io_pressure: read("io.pressure"),
    }))
}

fn parse(texts: &CgroupTexts) -> Gauges {
    let current = number(&texts.memory_current);
    // The kernel drops inactive pages of files first, so they do not count as memory in use.
    // The same difference is the working set of Kubernetes and the usage of `docker stats`.
    let inactive_file = entry(&texts.memory_stat, "inactive_file");
    let in_use = current.zip(inactive_file);
    let in_use = in_use.map(|(current, inactive)| (current - inactive).max(0.0));
    let seconds = |micros: f64| micros / 1e6;
    measured([
        (gauge::RSS, in_use),
        (gauge::CGROUP_MEMORY_PEAK, number(&texts.memory_peak)),
        (gauge::CGROUP_ANON, entry(&texts.memory_stat, "anon")),
        (
            gauge::CPU,
            entry(&texts.cpu_stat, "usage_usec").map(seconds),
        ),
        (
            gauge::CGROUP_THROTTLED,
            entry(&texts.cpu_stat, "throttled_usec").map(seconds),
        ),
        (gauge::CGROUP_PIDS, number(&texts.pids_current)),
        (
            gauge::CGROUP_CPU_PRESSURE,
            stalled(&texts.cpu_pressure).map(seconds),
        ),
        (
            gauge::CGROUP_MEMORY_PRESSURE,
            stalled(&texts.memory_pressure).map(seconds),
        ),
        (
            gauge::CGROUP_IO_PRESSURE,
            stalled(&texts.io_pressure).map(seconds),
        ),
    ])
}

/// Returns the microseconds for which some task waited: `total` of the line `some`.
fn stalled(pressure: &str) -> Option<f64> {
    let line = pressure
        .lines()
        .find_map(|line| line.strip_prefix("some "))?;
    let mut fields = line.split(' ');
    number(fields.find_map(|field| field.strip_prefix("total="))?)
}

/// Returns the path of a process's group from the line `0::PATH` of `/proc/PID/cgroup`.
fn group_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> CgroupTexts {
        CgroupTexts {
            memory_current: "104857600\n".to_owned(),
            memory_peak: "209715200\n".to_owned(),
            memory_stat: "anon 62914560\nfile 41943040\ninactive_anon 1\ninactive_file 31457280\n"
                .to_owned(),
            cpu_stat: "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n\
                       nr_periods 10\nnr_throttled 4\nthrottled_usec 750000\n"
                .to_owned(),
            pids_current: "12\n".to_owned(),
            cpu_pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n\
                           full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"
                .to_owned(),
            memory_pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n".to_owned(),
            io_pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=125000\n".to_owned(),
        }
    }

    #[test]
    fn texts_of_a_group_are_converted_to_bytes_and_seconds() {
        let expected = [
            (gauge::RSS, 73_400_320.0),
            (gauge::CGROUP_MEMORY_PEAK, 209_715_200.0),
            (gauge::CGROUP_ANON, 62_914_560.0),
            (gauge::CPU, 2.5),
            (gauge::CGROUP_THROTTLED, 0.75),
            (gauge::CGROUP_PIDS, 12.0),
            (gauge::CGROUP_CPU_PRESSURE, 1.5),
            (gauge::CGROUP_MEMORY_PRESSURE, 0.25),
            (gauge::CGROUP_IO_PRESSURE, 0.125),
        ];
        let expected: Gauges = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(parse(&texts()), expected);
    }

    #[test]
    fn file_that_does_not_exist_is_not_measured() {
        assert_eq!(parse(&CgroupTexts::default()), Gauges::new());
        // Without the inactive pages the memory in use is not known.
        let gauges = parse(&CgroupTexts {
            memory_stat: String::new(),
            cpu_stat: "usage_usec max\n".to_owned(),
            ..texts()
        });
        assert!(!gauges.contains_key(gauge::RSS) && !gauges.contains_key(gauge::CPU));
        // Pages may move between two reads.
        let gauges = parse(&CgroupTexts {
            memory_current: "5".to_owned(),
            ..texts()
        });
        assert_eq!(gauges[gauge::RSS], 0.0);
    }

    #[test]
    fn group_is_a_folder_with_memory_or_cpu_time() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(gauges(folder.path()), None);
        fs::write(folder.path().join("cpu.stat"), "usage_usec 1000\n").unwrap();
        assert_eq!(gauges(folder.path()).unwrap()[gauge::CPU], 0.001);
    }

    #[test]
    fn path_is_below_the_root_or_absolute() {
        let text = "9:name=systemd:/x\n0::/system.slice/docker-1.scope\n";
        assert_eq!(group_of(text), Some("/system.slice/docker-1.scope"));
        assert_eq!(group_of("9:memory:/x\n"), None);
        let below = folder("system.slice/app.service");
        assert_eq!(below, Path::new("/sys/fs/cgroup/system.slice/app.service"));
        assert_eq!(folder("/tmp/group"), Path::new("/tmp/group"));
    }
}
