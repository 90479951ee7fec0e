//! The login of a device over HTTP, before its first socket.

use std::time::Duration;

use highwater_types::duration;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{HttpHeader, TakeSpec};

/// A request that each device of a pool sends once before its first socket, and again after a
/// handshake that is refused with 401 or 403.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginSpec {
    /// The method.
    pub method: LoginMethod,
    /// The address, with placeholders.
    pub url: String,
    /// The body; `None` sends none.
    pub body: Option<LoginBody>,
    /// Header fields, with placeholders in their values.
    pub headers: Vec<HttpHeader>,
    /// The status of a login that succeeded.
    pub expect: u16,
    /// The values to take from the answer.
    pub take: Vec<TakeSpec>,
    /// Most time for the whole answer.
    #[serde(with = "duration::millis")]
    pub timeout: Duration,
}

/// The method of a login.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "UPPERCASE")]
pub enum LoginMethod {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
}

/// The body of a login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginBody {
    /// JSON, with placeholders in its texts.
    Json(serde_json::Value),
    /// Fields of a form, with placeholders in their values.
    Form(Vec<(String, String)>),
    /// Any text, with placeholders.
    Text(String),
}

impl LoginBody {
    /// Returns the texts that have placeholders.
    pub fn texts(&self) -> Vec<String> {
        match self {
            // The JSON text as a whole, so that values are escaped in it.
            Self::Json(json) => vec![json.to_string()],
            Self::Form(fields) => fields.iter().map(|(_, value)| value.clone()).collect(),
            Self::Text(text) => vec![text.clone()],
        }
    }
}

impl LoginMethod {
    /// Returns the method as HTTP writes it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
