//! Memory and CPU time of the whole machine, from `/proc`.

use std::fs;

use highwater_reports::record::{Interval, Source, SourceRole, names::gauge};
use nix::unistd::{SysconfVar, sysconf};

use super::gauges::{measured, sample_interval};

/// Samples the machine; `at` is in seconds on the run's clock.
pub fn sample(at: f64) -> Interval {
    let meminfo = read("meminfo");
    let sockstat = read("net/sockstat");
    let stat = read("stat");
    let memory = |key| meminfo_bytes(&meminfo, key).map(|bytes| bytes as f64);
    let gauges = measured([
        (gauge::KERNEL_SLAB, memory("Slab:")),
        (gauge::MEMORY_AVAILABLE, memory("MemAvailable:")),
        (gauge::KERNEL_TCP, tcp_bytes(&sockstat)),
        (gauge::HOST_CPU, busy_seconds(&stat)),
    ]);
    sample_interval(at, Source::new(SourceRole::Host, "host"), gauges)
}

/// Reads a file below `/proc`. A file that does not exist reads as empty text, which holds
/// no value.
fn read(name: &str) -> String {
    fs::read_to_string(format!("/proc/{name}")).unwrap_or_default()
}

/// Returns a line of `/proc/meminfo` in bytes. The file says kB and counts in KiB.
pub(crate) fn meminfo_bytes(meminfo: &str, key: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// Returns the memory of TCP buffers in bytes: `TCP: … mem PAGES` in `/proc/net/sockstat`.
fn tcp_bytes(sockstat: &str) -> Option<f64> {
    let line = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace();
    words.find(|word| *word == "mem")?;
    let pages: f64 = words.next()?.parse().ok()?;
    Some(pages * system_constant(SysconfVar::PAGE_SIZE)?)
}

/// Returns the seconds that CPU cores were not idle, summed over the cores: the first line
/// of `/proc/stat`, in clock ticks.
fn busy_seconds(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<f64> = line
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    // user nice system idle iowait irq softirq steal, then time of guests, which `user`
    // and `nice` include already. Stolen time went to other virtual machines.
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = ticks[..] else {
        return None;
    };
    let busy = user + nice + system + irq + softirq;
    Some(busy / system_constant(SysconfVar::CLK_TCK)?)
}

/// Returns a constant of this system, such as the size of a page.
pub(crate) fn system_constant(name: SysconfVar) -> Option<f64> {
    sysconf(name).ok().flatten().map(|value| value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_values_are_converted_to_bytes_and_seconds() {
        let meminfo = "MemTotal:       24600000 kB\nSlab:             150528 kB\n";
        assert_eq!(meminfo_bytes(meminfo, "Slab:"), Some(150_528 * 1_024));
        assert_eq!(meminfo_bytes(meminfo, "MemAvailable:"), None);

        let page = system_constant(SysconfVar::PAGE_SIZE).unwrap();
        let sockstat = "sockets: used 13\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 160\n";
        assert_eq!(tcp_bytes(sockstat), Some(160.0 * page));
        assert_eq!(tcp_bytes("sockets: used 13\n"), None);

        let tick = system_constant(SysconfVar::CLK_TCK).unwrap();
        let stat = "cpu  100 20 30 4000 500 6 7 80 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_seconds(stat), Some(163.0 / tick));
        assert_eq!(busy_seconds("cpu  1 2\n"), None);
    }

    #[test]
    fn every_gauge_of_this_machine_is_measured() {
        let gauges = sample(1.0).gauges;
        for name in [
            gauge::KERNEL_SLAB,
            gauge::KERNEL_TCP,
            gauge::MEMORY_AVAILABLE,
            gauge::HOST_CPU,
        ] {
            assert!(gauges.contains_key(name), "{name} in {gauges:?}");
        }
        assert!(gauges[gauge::HOST_CPU] > 0.0);
        assert!(gauges[gauge::MEMORY_AVAILABLE] > gauges[gauge::KERNEL_TCP]);
    }
}
