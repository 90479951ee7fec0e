//! Asks the system for its limits.

use std::{fs, os::unix::fs::MetadataExt, path::Path, str::FromStr};

use nix::{
    sys::resource::{RLIM_INFINITY, Resource, getrlimit},
    unistd::{SysconfVar, sysconf},
};

use super::limits::{
    Cap, Conntrack, Files, Limits, Memory, Processes, Processors, Programs, Queues, Tcp,
};

mod cgroup;
mod ports;

/// The limits of this process and of the machine that it runs on. What cannot
/// be read is absent; nothing is guessed.
pub fn read() -> Limits {
    read_below(Path::new("/"))
}

/// The same, with `proc` and `sys` below another folder than `/`. Resource
/// limits, processors, the size of a page and programs are always this process's.
pub fn read_below(root: &Path) -> Limits {
    let page_bytes = constant(SysconfVar::PAGE_SIZE);
    let tcp = |name: &str, word: usize| nth(root, &format!("net/ipv4/{name}"), word);
    let (available, total) = (meminfo(root, "MemAvailable:"), meminfo(root, "MemTotal:"));
    let memory = cgroup::memory(root);
    Limits {
        files: files(root),
        ports: ports::read(root),
        queues: Queues {
            somaxconn: nth(root, "net/core/somaxconn", 0),
            syn_backlog: tcp("tcp_max_syn_backlog", 0),
            syncookies: tcp("tcp_syncookies", 0),
        },
        processes: processes(root),
        conntrack: conntrack(root),
        tcp: Tcp {
            buffers_bytes: tcp("tcp_mem", 2)
                .zip(page_bytes)
                .map(|(pages, bytes): (u64, u64)| pages.saturating_mul(bytes)),
            receive_bytes: tcp("tcp_rmem", 1),
            page_bytes,
        },
        memory: Memory {
            total,
            available,
            group_max: memory.max,
            group_room: memory.room,
        },
        processors: Processors {
            online: constant(SysconfVar::_NPROCESSORS_ONLN),
            quota_thousandths: cgroup::processor_thousandths(root),
        },
        programs: Programs::read(),
    }
}

fn files(root: &Path) -> Files {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok().unzip();
    Files {
        soft,
        hard,
        nr_open: nth(root, "fs/nr_open", 0),
        system_max: nth(root, "fs/file-max", 0),
        system_open: nth(root, "fs/file-nr", 0),
    }
}

fn processes(root: &Path) -> Processes {
    Processes {
        pid_max: nth(root, "kernel/pid_max", 0),
        threads_max: nth(root, "kernel/threads-max", 0),
        user_max: user_max(root),
        group_max: cgroup::threads(root),
        map_count: nth(root, "vm/max_map_count", 0),
    }
}

/// `RLIMIT_NPROC`, which the kernel does not hold against root.
fn user_max(root: &Path) -> Cap {
    let is_root = fs::metadata(root.join("proc/self")).is_ok_and(|own| own.uid() == 0);
    match getrlimit(Resource::RLIMIT_NPROC) {
        _ if is_root => Cap::None,
        Ok((RLIM_INFINITY, _)) => Cap::None,
        Ok((soft, _)) => Cap::At(soft),
        Err(_) => Cap::Unknown,
    }
}

fn conntrack(root: &Path) -> Conntrack {
    let folder = root.join("proc/sys/net/netfilter");
    // Where the kernel's settings can be seen and these are not among them, the
    // module is not loaded.
    let absent = root.join("proc/sys/net").exists() && !folder.join("nf_conntrack_max").exists();
    let max = match nth(root, "net/netfilter/nf_conntrack_max", 0) {
        Some(max) => Cap::At(max),
        None if absent => Cap::None,
        None => Cap::Unknown,
    };
    Conntrack {
        max,
        tracked: nth(root, "net/netfilter/nf_conntrack_count", 0),
    }
}

/// A line of `/proc/meminfo` in bytes; it counts in KiB.
fn meminfo(root: &Path, key: &str) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// Word `word`, from 0, of a setting below `/proc/sys`.
fn nth<T: FromStr>(root: &Path, setting: &str, word: usize) -> Option<T> {
    let path = root.join("proc/sys").join(setting);
    let text = fs::read_to_string(path).ok()?;
    text.split_whitespace().nth(word)?.parse().ok()
}

fn constant(name: SysconfVar) -> Option<u64> {
    u64::try_from(sysconf(name).ok()??).ok()
}
