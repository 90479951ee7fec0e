//! The programs that must be on the machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use highwater_process::{Program as OutsideProgram, program};

use crate::ServiceError;

/// The way to install a missing program.
const HINT: &str = "`cargo xtask services install` as root";

/// The folder of Ruby's libraries on Debian, each in a folder of its name and version.
const RUBY_LIBRARIES: &str = "/usr/share/rubygems-integration/all/gems";

/// The folder of ActiveMQ on Debian.
pub(crate) const ACTIVEMQ_HOME: &str = "/usr/share/activemq";

/// The folder of the server's own scripts on Debian, which run without root.
const RABBITMQ_LIB: &str = "/usr/lib/rabbitmq/lib";

/// A program that tests or pictures use.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The file name and the package.
    pub program: OutsideProgram,
    /// The purpose of the program.
    pub used_for: &'static str,
    /// Returns the path of the program, if it is on this machine.
    find: fn(OutsideProgram) -> Option<PathBuf>,
}

pub(crate) const REDIS: Program = on_path(program::REDIS_SERVER, "tests: a backplane");
pub(crate) const REDIS_CLI: Program = on_path(
    OutsideProgram::new("redis-cli", "redis-tools"),
    "tests: joins the nodes of a Redis cluster",
);
pub(crate) const NATS: Program = on_path(program::NATS_SERVER, "tests: a backplane");
pub(crate) const RABBITMQ: Program =
    in_rabbitmq_lib(program::RABBITMQ_SERVER, "tests: a backplane");
pub(crate) const RABBITMQCTL: Program = in_rabbitmq_lib(
    OutsideProgram::new("rabbitmqctl", program::RABBITMQ_SERVER.package),
    "tests: has RabbitMQ raise an alarm",
);
/// The launcher of ActiveMQ's brokers, an archive of Java.
pub(crate) const ACTIVEMQ: Program = Program {
    program: OutsideProgram::new("activemq.jar", "activemq"),
    used_for: "tests: a STOMP broker",
    find: activemq,
};
/// Java, which Debian's package of ActiveMQ only suggests.
pub(crate) const JAVA: Program = on_path(
    OutsideProgram::new("java", "openjdk-17-jre-headless"),
    "tests: runs ActiveMQ",
);
/// The port mapper of Erlang programs.
pub const EPMD: Program = on_path(
    OutsideProgram::new("epmd", "erlang-base"),
    "tests: RabbitMQ's port mapper",
);
pub(crate) const NGINX: Program = on_path(program::NGINX, "tests: a balancer");
pub(crate) const HAPROXY: Program = on_path(program::HAPROXY, "tests: a balancer");
pub(crate) const MOSQUITTO: Program = on_path(
    OutsideProgram::new("mosquitto", "mosquitto"),
    "tests: an example of a target",
);
pub(crate) const PYTHON: Program = on_path(
    OutsideProgram::new("python3", "python3-venv"),
    "tests: examples of targets",
);

/// Prometheus's own tool.
pub const PROMTOOL: Program = on_path(
    OutsideProgram::new("promtool", "prometheus"),
    "tests: checks metrics, and reads exports",
);
pub(crate) const PUMA: Program = on_path(
    OutsideProgram::new("puma", "puma"),
    "tests: an example of a target",
);
/// Rails' Action Cable, a library without a program.
pub(crate) const ACTION_CABLE: Program = Program {
    program: OutsideProgram::new("action_cable.rb", "ruby-actioncable"),
    used_for: "tests: an example of a target",
    find: action_cable,
};

/// All programs that tests and pictures use.
pub const PROGRAMS: &[Program] = &[
    REDIS,
    REDIS_CLI,
    NATS,
    RABBITMQ,
    RABBITMQCTL,
    EPMD,
    ACTIVEMQ,
    JAVA,
    NGINX,
    HAPROXY,
    MOSQUITTO,
    PYTHON,
    PUMA,
    ACTION_CABLE,
    PROMTOOL,
    on_path(
        OutsideProgram::new("chromium", "chromium"),
        "tests and pictures: opens reports",
    ),
    on_path(
        OutsideProgram::new("tmux", "tmux"),
        "pictures: the live display in a terminal",
    ),
    on_path(
        OutsideProgram::new("aha", "aha"),
        "pictures: a terminal's colours as a page",
    ),
];

/// Tsung, a load testing tool.
pub const TSUNG: Program = on_path(
    OutsideProgram::new("tsung", "tsung"),
    "bench: a load testing tool to compare with",
);
/// The program that makes a folder with another release of Debian.
pub const DEBIAN_PROGRAMS: &[Program] = &[on_path(
    OutsideProgram::new("debootstrap", "debootstrap"),
    "tests: brokers of another release of Debian",
)];
/// Artillery, a load testing tool. Debian has no package of it.
pub const ARTILLERY: Program = on_path(
    OutsideProgram::new("artillery", "artillery (npm)"),
    "bench: a load testing tool to compare with",
);

/// The programs that a bench compares Highwater with, and their port mapper.
pub const PEER_PROGRAMS: &[Program] = &[TSUNG, EPMD];

impl Program {
    /// Returns the file name.
    pub fn name(&self) -> &'static str {
        self.program.name
    }

    /// Returns the package on Debian.
    pub fn package(&self) -> &'static str {
        self.program.package
    }

    /// Returns the path of the program; `None` if it is not on this machine.
    pub fn path(&self) -> Option<PathBuf> {
        (self.find)(self.program)
    }

    /// Returns the path of the program.
    ///
    /// # Errors
    /// [`ServiceError::ProgramMissing`], with a hint how to install it.
    pub(crate) fn require(&self) -> Result<PathBuf, ServiceError> {
        self.path().ok_or(ServiceError::ProgramMissing {
            program: self.name(),
            package: self.package(),
            hint: HINT,
        })
    }
}

/// Describes a program in `PATH` or in a folder of servers.
const fn on_path(program: OutsideProgram, used_for: &'static str) -> Program {
    Program {
        program,
        used_for,
        find: OutsideProgram::path,
    }
}

/// Describes a script of RabbitMQ. The one in `/usr/sbin` starts as root only.
const fn in_rabbitmq_lib(program: OutsideProgram, used_for: &'static str) -> Program {
    Program {
        program,
        used_for,
        find: newest_in_rabbitmq_lib,
    }
}

/// Returns the path of a script in the newest installed version.
fn newest_in_rabbitmq_lib(program: OutsideProgram) -> Option<PathBuf> {
    let versions = fs::read_dir(Path::new(RABBITMQ_LIB)).ok()?;
    let mut paths: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("sbin").join(program.name)))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths.pop()
}

/// Returns the path of the launcher.
fn activemq(program: OutsideProgram) -> Option<PathBuf> {
    let launcher = Path::new(ACTIVEMQ_HOME).join("bin").join(program.name);
    launcher.is_file().then_some(launcher)
}

/// Returns the path of the library's file.
fn action_cable(library: OutsideProgram) -> Option<PathBuf> {
    let mut gems = fs::read_dir(RUBY_LIBRARIES).ok()?.filter_map(Result::ok);
    gems.find_map(|gem| {
        let name = gem.file_name();
        let is_wanted = name.to_string_lossy().starts_with("actioncable-");
        let file = gem.path().join("lib").join(library.name);
        (is_wanted && file.is_file()).then_some(file)
    })
}
