//! `cargo xtask …`: the development tasks of Highwater.
//!
//! - [`test`]: everything that must hold before a change lands;
//! - [`prose`]: the prose lint;
//! - [`services`]: real brokers and balancers;
//! - [`conformance`]: the Autobahn suite;
//! - [`debian`]: the tests of brokers against the versions of another release of Debian;
//! - [`fuzz`]: libFuzzer on the parsers of foreign bytes;
//! - [`bench`]: the benches, and the comparisons of tools, backplanes and queues;
//! - [`pictures`]: the pictures of the documents;
//! - [`dist`]: the archive of a release;
//! - [`steps`]: the commands that the tasks consist of.

mod bench;
mod conformance;
mod debian;
mod dist;
mod fuzz;
mod pictures;
mod prose;
mod services;
mod steps;
mod test;

use anyhow::Result;
use clap::{Parser, Subcommand};

use self::services::ServicesCommand;

/// The development tasks of Highwater.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change lands: formatting, lints, all
    /// tests, one run of the smoke scenario with its gates
    Test,
    /// The outside programs that the tests use: start, show, stop, install
    #[command(subcommand)]
    Services(ServicesCommand),
    /// Both ends of a device socket against the Autobahn WebSocket test suite; see
    /// docs/conformance.md
    Conformance,
    /// The tests of brokers against the versions of another release of Debian (needs
    /// root and a network)
    Debian(debian::DebianOptions),
    /// Parsers of untrusted bytes, by libFuzzer (needs cargo-fuzz and a nightly
    /// toolchain); see docs/conformance.md
    Fuzz(fuzz::FuzzOptions),
    /// Pack the release: the program, man pages, completions and scenarios, in target/dist
    Dist(dist::DistOptions),
    /// Take the documents' pictures from real runs (needs chromium, tmux, aha)
    Pictures,
    /// Check how doc comments, messages and pages read; see docs/CONTRIBUTING.md
    Prose {
        /// Path prefixes to check [default: all files]
        prefixes: Vec<String>,
    },
    /// Run the benches; each reports a ratio to a reference of the same run
    Bench(bench::BenchOptions),
}

fn main() -> Result<()> {
    match Xtask::parse().task {
        Task::Test => test::run(),
        Task::Services(services) => services::run(services),
        Task::Conformance => conformance::run(),
        Task::Debian(options) => debian::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Dist(options) => dist::run(&options),
        Task::Pictures => pictures::run(),
        Task::Prose { prefixes } => prose::run(&prefixes),
        Task::Bench(options) => bench::run(options),
    }
}
