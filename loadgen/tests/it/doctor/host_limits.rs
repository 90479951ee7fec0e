//! Limits are read as the system reports them.

use std::{fs, path::Path};

use highwater_loadgen::doctor::{
    self,
    limits::{Limit, PortRange},
    reader::read_from_root,
};

/// A folder that contains these files.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn sysctl(name: &str) -> Vec<u64> {
    let text = fs::read_to_string(Path::new("/proc/sys").join(name)).unwrap();
    text.split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect()
}

/// The soft and the hard limit in a line of `/proc/self/limits`.
fn own_limit(name: &str) -> (u64, u64) {
    let text = fs::read_to_string("/proc/self/limits").unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    let mut words = line.split_whitespace().map(|word| word.parse().unwrap());
    (words.next().unwrap(), words.next().unwrap())
}

#[test]
fn limits_of_this_machine_are_those_of_proc() {
    let limits = doctor::read_host_limits();
    let (soft, hard) = own_limit("Max open files");
    assert_eq!(
        (limits.files.soft, limits.files.hard),
        (Some(soft), Some(hard))
    );
    assert_eq!(limits.files.nr_open, Some(sysctl("fs/nr_open")[0]));
    assert_eq!(limits.files.system_max, Some(sysctl("fs/file-max")[0]));
    let range = sysctl("net/ipv4/ip_local_port_range");
    let ports = limits.port_range.unwrap();
    assert_eq!([ports.first, ports.last].map(u64::from), range[..]);
    assert_eq!(ports.count() + ports.reserved, range[1] - range[0] + 1);
    assert_eq!(
        limits.listen_queues.somaxconn,
        Some(sysctl("net/core/somaxconn")[0])
    );
    assert_eq!(
        limits.listen_queues.syn_backlog,
        Some(sysctl("net/ipv4/tcp_max_syn_backlog")[0])
    );
    assert_eq!(
        limits.threads.map_count,
        Some(sysctl("vm/max_map_count")[0])
    );
    assert_eq!(limits.threads.pid_max, Some(sysctl("kernel/pid_max")[0]));
    let pages = sysctl("net/ipv4/tcp_mem")[2];
    assert_eq!(
        limits.tcp.buffers_bytes,
        limits.tcp.page_bytes.map(|page| page * pages)
    );
    assert!(limits.memory.available <= limits.memory.total);
    assert!(limits.memory.available > Some(0));
    assert!(limits.cpus.online >= Some(1));
    assert!(limits.files.system_open > Some(0));
}

#[test]
fn limits_without_proc_are_unknown() {
    let root = tempfile::tempdir().unwrap();
    let limits = read_from_root(root.path());
    assert_eq!(limits.files.nr_open, None);
    assert_eq!(limits.port_range, None);
    assert_eq!(limits.conntrack.max, Limit::Unknown);
    assert_eq!(limits.memory.cgroup_max, Limit::Unknown);
    assert_eq!(limits.cpus.quota_millicores, Limit::Unknown);
}

#[test]
fn settings_are_converted_to_bytes_and_counts() {
    let root = tree(&[
        ("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"),
        (
            "proc/sys/net/ipv4/ip_local_reserved_ports",
            "8080,40000-40099\n",
        ),
        ("proc/sys/net/netfilter/nf_conntrack_max", "262144\n"),
        ("proc/sys/net/netfilter/nf_conntrack_count", "1234\n"),
        ("proc/sys/fs/file-nr", "2479\t0\t2466170\n"),
        (
            "proc/meminfo",
            "MemTotal:  1000 kB\nMemAvailable:  900 kB\n",
        ),
    ]);
    let limits = read_from_root(root.path());
    let expected = PortRange {
        first: 32_768,
        last: 60_999,
        reserved: 100,
    };
    assert_eq!(limits.port_range, Some(expected));
    assert_eq!(expected.count(), 28_132);
    assert_eq!(limits.conntrack.remaining(), Limit::AtMost(260_910));
    assert_eq!(limits.files.system_open, Some(2_479));
    assert_eq!(limits.memory.total, Some(1_024_000));
    assert_eq!(limits.memory.available, Some(921_600));
}

#[test]
fn conntrack_that_is_not_loaded_is_unlimited() {
    let root = tree(&[("proc/sys/net/core/somaxconn", "4096\n")]);
    assert_eq!(read_from_root(root.path()).conntrack.max, Limit::Unlimited);
}

#[test]
fn tightest_group_of_version_2_counts() {
    let root = tree(&[
        ("proc/self/cgroup", "0::/system.slice/run.scope\n"),
        (
            "proc/self/mountinfo",
            "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n",
        ),
        ("sys/fs/cgroup/system.slice/memory.max", "536870912\n"),
        ("sys/fs/cgroup/system.slice/memory.current", "100000000\n"),
        (
            "sys/fs/cgroup/system.slice/memory.stat",
            "anon 1\ninactive_file 40000000\n",
        ),
        ("sys/fs/cgroup/system.slice/run.scope/memory.max", "max\n"),
        (
            "sys/fs/cgroup/system.slice/run.scope/cpu.max",
            "150000 100000\n",
        ),
        ("sys/fs/cgroup/system.slice/cpu.max", "max 100000\n"),
        ("sys/fs/cgroup/system.slice/pids.max", "100\n"),
        ("sys/fs/cgroup/system.slice/run.scope/pids.max", "200\n"),
    ]);
    let limits = read_from_root(root.path());
    assert_eq!(limits.memory.cgroup_max, Limit::AtMost(536_870_912));
    assert_eq!(limits.memory.cgroup_available, Limit::AtMost(476_870_912));
    assert_eq!(limits.cpus.quota_millicores, Limit::AtMost(1_500));
    assert_eq!(limits.threads.cgroup_max, Limit::AtMost(100));
}

#[test]
fn version_1_is_read_beside_version_2() {
    let root = tree(&[
        (
            "proc/self/cgroup",
            "8:pids:/\n4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/docker/abc\n",
        ),
        (
            "proc/self/mountinfo",
            "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
             35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
             38 31 0:35 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
        ),
        (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        ),
        ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"),
        ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
    ]);
    let limits = read_from_root(root.path());
    assert_eq!(limits.memory.cgroup_max, Limit::Unlimited);
    assert_eq!(limits.memory.cgroup_available, Limit::Unlimited);
    assert_eq!(limits.cpus.quota_millicores, Limit::AtMost(500));
    assert_eq!(limits.threads.cgroup_max, Limit::Unlimited);
}
