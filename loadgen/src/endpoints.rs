//! The addresses of the system under test.

use serde::{Deserialize, Serialize};

/// The addresses of a system, in the order in which clients rotate over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// WebSocket addresses, with `{device}` in place of the device's id.
    pub ws: Vec<String>,
    /// Base addresses of the HTTP interface.
    pub http: Vec<String>,
}
