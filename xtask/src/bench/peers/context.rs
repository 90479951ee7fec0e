//! The context of every measurement.

use std::path::PathBuf;

use highwater_process::Spawner;

use super::load::Load;
use crate::bench::interrupt::Interrupt;

/// The context of every measurement.
pub(super) struct Bench {
    /// The load that every tool gets.
    pub(super) load: Load,
    /// Highwater's binary.
    pub(super) highwater: PathBuf,
    /// The starter of every child.
    pub(super) spawner: Spawner,
    /// Ctrl-C.
    pub(super) interrupt: Interrupt,
}
