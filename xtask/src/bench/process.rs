//! A running tool.

use anyhow::Result;
use highwater_process::{Child, Launch, Spawner};

/// A process of the comparison. Its drop kills its process group and waits for the end.
pub(in crate::bench) struct ToolProcess {
    child: Child,
}

impl ToolProcess {
    /// Starts it.
    ///
    /// # Errors
    /// A message if the program cannot be started.
    pub(in crate::bench) fn start(spawner: &Spawner, launch: Launch) -> Result<Self> {
        let child = spawner.spawn_blocking(launch)?;
        Ok(Self { child })
    }

    /// Returns the process id.
    pub(in crate::bench) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Whether it has not ended.
    pub(in crate::bench) fn is_running(&mut self) -> bool {
        self.child.is_running()
    }

    /// Returns an error with the last lines of its log if it has ended.
    ///
    /// # Errors
    /// See above.
    pub(in crate::bench) fn check(&mut self) -> Result<()> {
        match self.child.try_exit() {
            Some(exit) => Err(self.child.exited_error(exit).into()),
            None => Ok(()),
        }
    }
}

impl Drop for ToolProcess {
    fn drop(&mut self) {
        self.child.kill_blocking();
    }
}
