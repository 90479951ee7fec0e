//! The process that joins the nodes.

use std::{net::SocketAddr, path::Path};

use super::{TestbedError, announce};
use crate::process::{Child, Launch, Spawner};

/// Its name in the record and in errors.
pub(super) const ID: &str = "broker";

/// Starts the broker on a port that the kernel picks: it is started once, and
/// nobody but the nodes connects to it.
pub(super) async fn start(
    spawner: &Spawner,
    exe: &Path,
    log_dir: &Path,
) -> Result<(Child, SocketAddr), TestbedError> {
    let args = ["serve", "broker", "--listen", "127.0.0.1:0"];
    let launch = Launch::new(exe, args, log_dir.join("broker.log"));
    announce::start(spawner, ID, launch).await
}
