//! Child processes that never outlive the harness.
//!
//! - [`launch`]: what to start: program, arguments, environment, log;
//! - [`spawner`]: the one thread that starts every child;
//! - [`child`]: a running child: signals, waiting, stopping;
//! - [`exit`]: how a child ended, in words;
//! - [`output`]: its first line, and the rest into its log;
//! - [`log`]: the log file and its last lines;
//! - [`error`]: what can go wrong.
//!
//! Three things keep a child from outliving the harness: a [`Child`] that is
//! dropped, or found to have ended, kills its process group; a harness that dies in any way, SIGKILL
//! included, has the kernel kill every child, because each was started with
//! a parent-death signal; and that signal is SIGKILL, which ends a stopped
//! process too. A program with children of its own, which is never stopped, gets
//! SIGTERM and ends them.

pub mod child;
pub mod error;
pub mod exit;
pub mod launch;
pub mod log;
mod output;
pub mod spawner;

pub use child::Child;
pub use error::ProcessError;
pub use exit::ChildExit;
pub use launch::{Launch, Stdout};
pub use nix::sys::signal::Signal;
pub use spawner::Spawner;
