//! What the machine is, and its limits.

use std::io;

use highwater_reports::record::HostInfo;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

/// The machine that this process runs on; what it does not tell is `None`.
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
        host.cpus = u32::try_from(system.cpus().len()).ok().filter(|n| *n > 0);
        host.cpu_model = system.cpus().first().and_then(|cpu| non_empty(cpu.brand()));
        host.memory_bytes = Some(system.total_memory()).filter(|bytes| *bytes > 0);
    }
    host
}

/// Lets this process, and the children that it starts from now on, open as many
/// files as its hard limit allows; gives the limit reached.
///
/// # Errors
///
/// Only if the system does not tell its limits. A raise that is refused is no
/// error: the limit is then what it was.
pub fn raise_open_files() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft == hard || setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
        return Ok(soft);
    }
    Ok(hard)
}

/// `Linux (Debian GNU/Linux 12), kernel 6.1.0`, as far as it is known.
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
