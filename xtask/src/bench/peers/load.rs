//! The load, equal for every tool.

use std::time::Duration;

use anyhow::{Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::target::Target;

/// Files that a tool and a server open beside their sockets.
const OTHER_FILES: u64 = 500;

/// The ramp of a single socket: k6 opens it at the end.
const SINGLE_SOCKET_INTERVAL: Duration = Duration::from_secs(3);

/// The load on the server. The ramp lasts one interval, so that the heartbeats of all sockets
/// are due evenly over time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// The sockets to hold.
    pub(super) sockets: u32,
    /// The time between two heartbeats of a socket, in whole seconds.
    pub(super) interval: Duration,
    /// The time with all sockets open, a multiple of the interval.
    pub(super) steady: Duration,
    /// The server.
    pub(super) target: Target,
}

impl Load {
    /// Returns the load of a single socket, which opens soon. It shows a tool's memory without
    /// sockets.
    pub(super) fn single_socket(self) -> Self {
        Self {
            sockets: 1,
            interval: SINGLE_SOCKET_INTERVAL,
            steady: 20 * SINGLE_SOCKET_INTERVAL,
            target: self.target,
        }
    }

    /// Returns the sockets to open in a second.
    pub(super) fn rate_per_s(self) -> f64 {
        f64::from(self.sockets) / self.interval.as_secs_f64()
    }

    /// Returns the heartbeats of one socket in the steady phase.
    pub(super) fn heartbeats_per_socket(self) -> u64 {
        self.steady.as_secs() / self.interval.as_secs()
    }

    /// Returns the heartbeats of all sockets in the steady phase.
    pub(super) fn heartbeats(self) -> u64 {
        self.heartbeats_per_socket() * u64::from(self.sockets)
    }

    /// Returns the length of a tool's run.
    pub(super) fn run_length(self) -> Duration {
        self.interval + self.steady
    }

    /// Returns the address of the sockets. `{device}` stands for the name of a device.
    pub(super) fn url(self, port: u16) -> String {
        match self.target {
            Target::Json => format!("ws://127.0.0.1:{port}/"),
            Target::Node => format!("ws://127.0.0.1:{port}/ws?device={{device}}"),
        }
    }

    /// Replaces the upper-case words of a template for tools without variables.
    pub(super) fn fill(self, template: &str, port: u16) -> String {
        let interval_s = self.interval.as_secs();
        [
            ("HEARTBEATS", self.heartbeats_per_socket().to_string()),
            ("INTERVAL", interval_s.to_string()),
            ("PHASE", (2 * interval_s).to_string()),
            ("PORT", port.to_string()),
            // One socket needs less than a whole interval, and a rate of its own.
            ("RATE", self.rate_per_s().max(1.0).to_string()),
            ("SOCKETS", self.sockets.to_string()),
            ("STEADY", self.steady.as_secs().to_string()),
        ]
        .iter()
        .fold(template.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        })
    }
}

/// Raises the limit of open files for this process and its children, as far as it may.
///
/// # Errors
/// A message if the limit stays too low for the sockets.
pub(super) fn raise_open_files_limit(sockets: u32) -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let needed = u64::from(sockets) + OTHER_FILES;
    if hard < needed {
        bail!(
            "cannot hold {sockets} sockets: a process may open {hard} files, and {needed} are \
             needed\nhint: raise `ulimit -Hn` or lower --sockets"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_gets_every_number_of_the_load() {
        let load = Load {
            sockets: 5000,
            interval: Duration::from_secs(20),
            steady: Duration::from_secs(60),
            target: Target::Json,
        };
        let filled = load.fill("PORT SOCKETS RATE INTERVAL HEARTBEATS PHASE STEADY", 80);
        assert_eq!(filled, "80 5000 250 20 3 40 60");
        assert_eq!(load.heartbeats(), 15_000);
    }
}
