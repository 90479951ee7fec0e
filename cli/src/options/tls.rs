//! TLS at a node or a gateway.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use highwater_server::ServerTls;

use crate::{exit::Exit, failure::CliFailure};

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct ServeTls {
    /// Serve wss and https with this certificate chain (PEM); SIGHUP reads it anew
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

impl ServeTls {
    /// Reads both files. Returns `None` without a certificate.
    pub(crate) fn load(self) -> Result<Option<Arc<ServerTls>>, CliFailure> {
        // clap requires both options or neither.
        let (Some(cert), Some(key)) = (self.tls_cert, self.tls_key) else {
            return Ok(None);
        };
        ServerTls::load(&cert, &key)
            .map(|tls| Some(Arc::new(tls)))
            .map_err(|error| {
                let hint =
                    "both are PEM: the chain with the node's own certificate first, and its key";
                CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
            })
    }
}
