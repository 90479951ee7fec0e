//! Where the load is put: the addresses that clients rotate over.

use serde::{Deserialize, Serialize};

/// The addresses of a system, in the order that clients rotate over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// WebSocket addresses, `{device}` standing for the device's id.
    pub ws: Vec<String>,
    /// Base addresses for commands, without a slash at the end.
    pub http: Vec<String>,
}
