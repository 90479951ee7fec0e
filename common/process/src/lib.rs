//! Child processes that never outlive the process that started them, and free ports for
//! them to listen on.
//!
//! ```text
//! Launch ──► Spawner ──► Child ──► ChildExit
//!              │           ▲
//!              │ thread    │ signals, waits, kills its group when dropped
//!              ▼           ▼
//!            fork ────► process ──► first line of stdout to the caller,
//!                                   all output to the log
//! ```
//!
//! - [`launch`]: program, arguments, environment and log of a child;
//! - `thread`: the one thread that starts every child;
//! - [`spawner`]: from a launch to a running child;
//! - [`child`]: a running child: signals, waiting, stopping;
//! - [`exit`]: how a child ended, in words;
//! - `output`: its first line, and the rest into its log;
//! - [`log`]: the log file and its last lines;
//! - [`error`]: everything that can fail;
//! - [`port`]: ports that stay free while a child is down;
//! - [`program`]: outside programs and their packages.
//!
//! Three things keep a child from outliving its parent, called the harness here:
//!
//! 1. A [`Child`] that is dropped, or found to have ended, kills its process group.
//! 2. Each child starts with a parent-death signal, so the kernel ends it when the
//!    harness dies in any way, SIGKILL included.
//! 3. That signal is SIGKILL, which also ends a stopped process. A program with children
//!    of its own, which is never stopped, gets SIGTERM and ends them.

pub mod child;
pub mod error;
pub mod exit;
pub mod launch;
pub mod log;
mod output;
pub mod port;
pub mod program;
pub mod spawner;
mod thread;

pub use child::Child;
pub use error::ProcessError;
pub use exit::ChildExit;
pub use launch::{Launch, Stdout};
pub use nix::sys::signal::Signal;
pub use port::{NoFreePort, ReservedPort};
pub use program::Program;
pub use spawner::Spawner;
