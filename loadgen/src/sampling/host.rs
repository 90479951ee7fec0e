//! The machine's description and its limit of open files.

use std::io;

use highwater_reports::record::HostInfo;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

/// Describes the machine that this process runs on. A field that the system does not
/// report is `None`.
pub fn host() -> HostInfo {
    let mut host = HostInfo {
        cpus: None,
        cpu_model: None,
        memory_bytes: None,
        os: operating_system(),
        open_files_limit: getrlimit(Resource::RLIMIT_NOFILE)
            .ok()
            .map(|(soft, _)| soft),
    };
    if let Ok(mut system) = System::new() {
        system.refresh_cpu_list(CpuRefreshKind::nothing());
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        // sysinfo reports an unknown size as 0; the record holds no made-up zero.
        host.cpus = u32::try_from(system.cpus().len()).ok().filter(|n| *n > 0);
        host.cpu_model = system.cpus().first().and_then(|cpu| non_empty(cpu.brand()));
        host.memory_bytes = Some(system.total_memory()).filter(|bytes| *bytes > 0);
    }
    host
}

/// Returns the name of this machine; empty if the system does not report it.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Raises the soft limit of open files to the hard limit and returns the limit reached.
/// Children that start afterwards inherit it.
///
/// # Errors
///
/// If the system does not report its limits. A raise that the system rejects is not an
/// error: the returned limit is then the old one.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft == hard || setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
        return Ok(soft);
    }
    Ok(hard)
}

/// Returns the system and its kernel as far as they are known, such as
/// `Linux (Debian GNU/Linux 12), kernel 6.1.0`.
fn operating_system() -> Option<String> {
    let system = System::long_os_version().ok().and_then(|os| non_empty(&os));
    let kernel = System::kernel_version().ok().and_then(|k| non_empty(&k));
    match (system, kernel) {
        (Some(system), Some(kernel)) => Some(format!("{system}, kernel {kernel}")),
        (system, kernel) => system.or(kernel),
    }
}

fn non_empty(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
