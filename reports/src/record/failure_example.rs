//! An example of a failure: the answer or the error that a worker got.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An example of the failures of one kind. The texts are short, are the system's own, and
/// have their control characters escaped. Absent is what the failure does not have.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(default)]
pub struct FailureExample {
    /// Status and reason phrase of the HTTP response: `401 Unauthorized`.
    pub status: Option<String>,
    /// Address that the response redirects to; `***` stands for values of its query.
    pub location: Option<String>,
    /// Beginning of the response's body.
    pub body: Option<String>,
    /// Reason in the server's close frame.
    pub close_reason: Option<String>,
    /// Host name or address that was asked.
    pub address: Option<String>,
    /// Error in words.
    pub error: Option<String>,
}

impl FailureExample {
    /// Creates the example of a failure that an error describes.
    pub fn of_error(error: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            ..Self::default()
        }
    }

    /// Adds the address that was asked.
    #[must_use]
    pub fn at(self, address: impl Into<String>) -> Self {
        Self {
            address: Some(address.into()),
            ..self
        }
    }

    /// Returns the example with each of its texts as `map` returns it.
    #[must_use]
    pub fn map_texts(self, mut map: impl FnMut(String) -> Option<String>) -> Self {
        let mut map = |text: Option<String>| text.and_then(&mut map);
        Self {
            status: map(self.status),
            location: map(self.location),
            body: map(self.body),
            close_reason: map(self.close_reason),
            address: map(self.address),
            error: map(self.error),
        }
    }
}
