//! Header fields of requests.

use serde::{Deserialize, Serialize};

/// A header field as written: `${NAME}` in its value stands for a variable of the
/// environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeader {
    /// The field's name.
    pub name: String,
    /// The field's value.
    pub value: String,
}
