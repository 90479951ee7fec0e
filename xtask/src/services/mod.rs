//! `cargo xtask services …`: real brokers and proxies for the tests.
//!
//! - [`up`], [`status`], [`down`]: the commands;
//! - [`supervisor`]: the background process that holds the services;
//! - [`images`]: the images that tests of containers use;
//! - [`state`]: the file with the processes and addresses of the services;
//! - [`process_identity`]: a process id with the start time, so that a reused id is not
//!   taken for the old process.

mod down;
mod images;
mod process_identity;
mod state;
mod status;
mod supervisor;
mod up;

use anyhow::Result;
use clap::Subcommand;
use highwater_services::{MINISTACK, PROGRAMS, ServiceKind, python};

/// An action on the services.
#[derive(Subcommand)]
pub(crate) enum ServicesCommand {
    /// Start services in the background, on free loopback ports and with temporary
    /// directories; without names, all
    Up {
        /// redis, redis-cluster, nats, rabbitmq, rabbitmq-cluster, kafka, tansu, pubsub,
        /// activemq, activemq-network, ministack, ministack-stream, nginx, haproxy
        kinds: Vec<ServiceKind>,
    },
    /// Stop what `up` started
    Down,
    /// Show what `up` started: process, address, uptime, whether it answers
    Status,
    /// List the programs that tests and pictures use, and install those that are
    /// missing with apt-get (needs root)
    Install,
    /// Hold services until SIGTERM; what `up` starts
    #[command(hide = true)]
    Keep {
        /// Services to start; the names are those of `up`
        kinds: Vec<ServiceKind>,
    },
}

/// Executes the command.
pub(crate) fn run(services: ServicesCommand) -> Result<()> {
    match services {
        ServicesCommand::Up { kinds } => up::run(&or_all(kinds)),
        ServicesCommand::Down => down::run(),
        ServicesCommand::Status => status::run(),
        ServicesCommand::Install => install(),
        ServicesCommand::Keep { kinds } => supervisor::run(&or_all(kinds)),
    }
}

/// Lists the programs, and installs those that are missing.
pub(crate) fn install() -> Result<()> {
    for program in PROGRAMS {
        let state = match program.path() {
            Some(_) => "found",
            None => "missing",
        };
        let (name, package) = (program.name(), program.package());
        eprintln!(
            "{name:16} {state:8} {} (Debian: {package})",
            program.used_for
        );
    }
    for program in highwater_services::install(PROGRAMS)? {
        eprintln!("{:16} installed", program.name());
    }
    install_python_packages();
    images::install();
    Ok(())
}

/// Installs the packages of servers and clients from the Python index. Without a network the tests
/// of the example servers, with the STOMP client and of exports skip themselves, and those of the
/// brokers fail.
fn install_python_packages() {
    for (name, environment) in [
        ("example servers", python::EXAMPLE_SERVERS),
        ("STOMP client", python::STOMP_CLIENT),
        ("pandas, DuckDB", python::DATA_TOOLS),
        ("Kafka brokers", python::KAFKA_BROKERS),
        ("Ministack", MINISTACK),
    ] {
        let state = match environment.install() {
            Ok(true) => "installed".to_owned(),
            Ok(false) => "found".to_owned(),
            Err(error) => format!("missing: {error}"),
        };
        eprintln!("{name:16} {state}");
    }
}

fn or_all(kinds: Vec<ServiceKind>) -> Vec<ServiceKind> {
    match kinds.is_empty() {
        // Without those that nothing here can install, where they are absent.
        true => {
            let all = ServiceKind::ALL.iter().copied();
            all.filter(|kind| kind.missing_optional().is_none())
                .collect()
        }
        false => kinds,
    }
}
