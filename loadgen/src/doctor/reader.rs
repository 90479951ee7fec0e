//! Reads the limits of this process and of its machine.

use std::{fs, os::unix::fs::MetadataExt, path::Path, str::FromStr};

use nix::{
    sys::resource::{RLIM_INFINITY, Resource, getrlimit},
    unistd::{SysconfVar, sysconf},
};

use super::limits::{
    BalancerPrograms, ConntrackTable, CpuLimits, FileLimits, HostLimits, Limit, ListenQueueLimits,
    MemoryLimits, TcpBuffers, ThreadLimits,
};
use crate::sampling::machine::meminfo_bytes;

mod cgroup;
mod ports;

/// Reads the limits of this process and of its machine. A limit that cannot be read is absent;
/// no value is guessed.
pub fn read_host_limits() -> HostLimits {
    read_from_root(Path::new("/"))
}

/// Reads the limits with `proc` and `sys` below `root`, for tests. Resource limits, CPU cores,
/// the size of a page and programs are those of this process in any case.
pub fn read_from_root(root: &Path) -> HostLimits {
    let page_bytes = read_sysconf(SysconfVar::PAGE_SIZE);
    let tcp = |name: &str, word: usize| read_sysctl(root, &format!("net/ipv4/{name}"), word);
    // A file that cannot be read holds no value.
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    HostLimits {
        files: files(root),
        port_range: ports::read(root),
        listen_queues: ListenQueueLimits {
            somaxconn: read_sysctl(root, "net/core/somaxconn", 0),
            syn_backlog: tcp("tcp_max_syn_backlog", 0),
            syncookies: tcp("tcp_syncookies", 0),
        },
        threads: threads(root),
        conntrack: conntrack(root),
        tcp: TcpBuffers {
            // tcp_mem counts in pages.
            buffers_bytes: tcp("tcp_mem", 2)
                .zip(page_bytes)
                .map(|(pages, bytes): (u64, u64)| pages.saturating_mul(bytes)),
            receive_bytes: tcp("tcp_rmem", 1),
            page_bytes,
        },
        memory: MemoryLimits {
            total: meminfo_bytes(&meminfo, "MemTotal:"),
            available: meminfo_bytes(&meminfo, "MemAvailable:"),
            ..cgroup::memory(root)
        },
        cpus: CpuLimits {
            online: read_sysconf(SysconfVar::_NPROCESSORS_ONLN),
            quota_millicores: cgroup::read_quota_millicores(root),
        },
        programs: BalancerPrograms::read(),
    }
}

fn files(root: &Path) -> FileLimits {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok().unzip();
    FileLimits {
        soft,
        hard,
        nr_open: read_sysctl(root, "fs/nr_open", 0),
        system_max: read_sysctl(root, "fs/file-max", 0),
        system_open: read_sysctl(root, "fs/file-nr", 0),
    }
}

fn threads(root: &Path) -> ThreadLimits {
    ThreadLimits {
        pid_max: read_sysctl(root, "kernel/pid_max", 0),
        threads_max: read_sysctl(root, "kernel/threads-max", 0),
        user_max: threads_per_user(root),
        cgroup_max: cgroup::threads(root),
        map_count: read_sysctl(root, "vm/max_map_count", 0),
    }
}

/// Reads `RLIMIT_NPROC`, which the kernel does not enforce for root.
fn threads_per_user(root: &Path) -> Limit {
    let is_root = fs::metadata(root.join("proc/self")).is_ok_and(|own| own.uid() == 0);
    match getrlimit(Resource::RLIMIT_NPROC) {
        // See RLIMIT_NPROC in getrlimit(2).
        _ if is_root => Limit::Unlimited,
        Ok((RLIM_INFINITY, _)) => Limit::Unlimited,
        Ok((soft, _)) => Limit::AtMost(soft),
        Err(_) => Limit::Unknown,
    }
}

fn conntrack(root: &Path) -> ConntrackTable {
    let folder = root.join("proc/sys/net/netfilter");
    // If the kernel's settings can be read and these are not among them, the module is not
    // loaded.
    let is_absent = root.join("proc/sys/net").exists() && !folder.join("nf_conntrack_max").exists();
    ConntrackTable {
        max: match is_absent {
            true => Limit::Unlimited,
            false => read_sysctl(root, "net/netfilter/nf_conntrack_max", 0).into(),
        },
        entries: read_sysctl(root, "net/netfilter/nf_conntrack_count", 0),
    }
}

/// Returns word number `word`, counted from 0, of a setting below `/proc/sys`.
fn read_sysctl<T: FromStr>(root: &Path, setting: &str, word: usize) -> Option<T> {
    let path = root.join("proc/sys").join(setting);
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace().nth(word)?.parse().ok()
}

fn read_sysconf(name: SysconfVar) -> Option<u64> {
    u64::try_from(sysconf(name).ok()??).ok()
}
