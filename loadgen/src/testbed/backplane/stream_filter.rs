//! The filter of a cluster whose nodes write their actions to a table: a process of the run.

use highwater_process::{Child, Launch};
use tokio::sync::Mutex;

use super::super::{
    TestbedError,
    cluster_process::STOP_TIMEOUT,
    launcher::{LaunchArgs, Launcher},
};

/// The name of the filter, and of its log.
const FILTER_NAME: &str = "stream-filter";

/// The process of the filter.
#[derive(Debug)]
pub(super) struct StreamFilter {
    child: Mutex<Option<Child>>,
}

impl StreamFilter {
    /// Starts the filter, which finds the address of the table in `args`.
    pub(super) async fn start(launcher: &Launcher, args: LaunchArgs) -> Result<Self, TestbedError> {
        let log = launcher.log_dir.join(format!("{FILTER_NAME}.log"));
        let mut launch = Launch::new(&launcher.exe, ["serve", FILTER_NAME], log);
        launch.args.extend(args.arguments);
        launch.env = args.env;
        // Each message between nodes passes it, as through a broker.
        let launcher = launcher.at_full_priority();
        let child = launcher.spawn(FILTER_NAME, launch).await?;
        Ok(Self {
            child: Mutex::new(Some(child)),
        })
    }

    /// Ends the filter in order.
    pub(super) async fn stop(&self) {
        if let Some(mut child) = self.child.lock().await.take() {
            child.stop(STOP_TIMEOUT).await;
        }
    }
}
