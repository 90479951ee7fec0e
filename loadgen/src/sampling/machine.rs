//! The memory and CPU time of the whole machine, from `/proc`.

use std::fs;

use highwater_reports::record::{Interval, Source, SourceRole, names::gauge};
use nix::unistd::{SysconfVar, sysconf};

use super::Gauges;

/// A sample of the machine at `at` seconds on the run's clock.
pub fn sample(at: f64) -> Interval {
    let meminfo = read("meminfo");
    let sockstat = read("net/sockstat");
    let stat = read("stat");
    let figures = [
        (gauge::KERNEL_SLAB, meminfo_bytes(&meminfo, "Slab:")),
        (
            gauge::MEMORY_AVAILABLE,
            meminfo_bytes(&meminfo, "MemAvailable:"),
        ),
        (gauge::KERNEL_TCP, tcp_bytes(&sockstat)),
        (gauge::HOST_CPU, busy_seconds(&stat)),
    ];
    Interval {
        at,
        length: 0.0,
        source: Source::new(SourceRole::Host, "host"),
        counters: Default::default(),
        gauges: measured(figures),
    }
}

fn measured<const N: usize>(figures: [(&str, Option<f64>); N]) -> Gauges {
    figures
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// A file below `/proc`; empty, and so without any figure, if it is not there.
fn read(name: &str) -> String {
    fs::read_to_string(format!("/proc/{name}")).unwrap_or_default()
}

/// A line of `/proc/meminfo`, which counts in KiB.
fn meminfo_bytes(meminfo: &str, key: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// Memory of TCP buffers: `TCP: … mem PAGES` in `/proc/net/sockstat`.
fn tcp_bytes(sockstat: &str) -> Option<f64> {
    let line = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace();
    words.find(|word| *word == "mem")?;
    let pages: f64 = words.next()?.parse().ok()?;
    Some(pages * system_constant(SysconfVar::PAGE_SIZE)?)
}

/// Time that the processors were not idle, summed over them: the first line of
/// `/proc/stat`, in clock ticks.
fn busy_seconds(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<f64> = line
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect::<Option<_>>()?;
    // user nice system idle iowait irq softirq steal; what follows is time of
    // guests, which `user` and `nice` hold already. Stolen time was not ours.
    let [user, nice, system, _idle, _iowait, irq, softirq, ..] = ticks[..] else {
        return None;
    };
    let busy = user + nice + system + irq + softirq;
    Some(busy / system_constant(SysconfVar::CLK_TCK)?)
}

fn system_constant(name: SysconfVar) -> Option<f64> {
    sysconf(name).ok().flatten().map(|value| value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_their_units() {
        let meminfo = "MemTotal:       24600000 kB\nSlab:             150528 kB\n";
        assert_eq!(meminfo_bytes(meminfo, "Slab:"), Some(150_528.0 * 1024.0));
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
    fn this_machine_has_every_figure() {
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
