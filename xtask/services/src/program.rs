//! Programs that must be on the machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::ServiceError;

/// The hint for a missing program.
const HINT: &str = "`cargo xtask services install` as root";

/// The directory of the server's own scripts on Debian; they run without root.
const RABBITMQ_LIB: &str = "/usr/lib/rabbitmq/lib";

/// A program and how to get it.
#[derive(Debug)]
pub struct Program {
    /// The file name.
    pub name: &'static str,
    /// Debian's package.
    pub package: &'static str,
    /// The service that needs the program.
    pub used_for: &'static str,
    /// Returns the path, if the program is on this machine.
    find: fn(&str) -> Option<PathBuf>,
}

pub(crate) const REDIS: Program = Program {
    name: "redis-server",
    package: "redis-server",
    used_for: "tests: a backplane",
    find: in_path,
};
pub(crate) const REDIS_CLI: Program = Program {
    name: "redis-cli",
    package: "redis-tools",
    used_for: "tests: joins the nodes of a Redis cluster",
    find: in_path,
};
pub(crate) const NATS: Program = Program {
    name: "nats-server",
    package: "nats-server",
    used_for: "tests: a backplane",
    find: in_path,
};
pub(crate) const RABBITMQ: Program = Program {
    name: "rabbitmq-server",
    package: "rabbitmq-server",
    used_for: "tests: a backplane",
    find: below_rabbitmq_lib,
};
pub(crate) const RABBITMQCTL: Program = Program {
    name: "rabbitmqctl",
    package: "rabbitmq-server",
    used_for: "tests: has RabbitMQ raise an alarm",
    find: below_rabbitmq_lib,
};
pub(crate) const EPMD: Program = Program {
    name: "epmd",
    package: "erlang-base",
    used_for: "tests: RabbitMQ's port mapper",
    find: in_path,
};

pub(crate) const NGINX: Program = Program {
    name: "nginx",
    package: "nginx-light",
    used_for: "tests: a balancer",
    find: in_path,
};
pub(crate) const HAPROXY: Program = Program {
    name: "haproxy",
    package: "haproxy",
    used_for: "tests: a balancer",
    find: in_path,
};

/// All programs that tests and pictures use.
pub const PROGRAMS: &[Program] = &[
    REDIS,
    REDIS_CLI,
    NATS,
    RABBITMQ,
    RABBITMQCTL,
    EPMD,
    NGINX,
    HAPROXY,
    Program {
        name: "promtool",
        package: "prometheus",
        used_for: "tests: checks what a node serves at /metrics",
        find: in_path,
    },
    Program {
        name: "chromium",
        package: "chromium",
        used_for: "tests and pictures: opens reports",
        find: in_path,
    },
    Program {
        name: "tmux",
        package: "tmux",
        used_for: "pictures: the live display in a terminal",
        find: in_path,
    },
    Program {
        name: "aha",
        package: "aha",
        used_for: "pictures: a terminal's colours as a page",
        find: in_path,
    },
];

impl Program {
    /// Returns the path; `None` if the program is not on this machine.
    pub fn path(&self) -> Option<PathBuf> {
        (self.find)(self.name)
    }

    /// Returns the path.
    ///
    /// # Errors
    /// [`ServiceError::ProgramMissing`], with what to do about it.
    pub(crate) fn require(&self) -> Result<PathBuf, ServiceError> {
        self.path().ok_or(ServiceError::ProgramMissing {
            program: self.name,
            package: self.package,
            hint: HINT,
        })
    }
}

/// Searches `PATH`, then the directories of Debian's servers, which `PATH` often lacks.
fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The newest version's. `/usr/sbin/rabbitmq-server` wants to be root.
fn below_rabbitmq_lib(name: &str) -> Option<PathBuf> {
    let versions = fs::read_dir(Path::new(RABBITMQ_LIB)).ok()?;
    let mut paths: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("sbin").join(name)))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths.pop()
}
