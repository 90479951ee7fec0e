//! Values of header fields, of addresses' queries and of logins, and the password of a proxy,
//! kept out of records and messages.
//!
//! A header field, a query or the body of a login may carry a key or a password. Its place is a
//! variable: `${NAME}` stands in the scenario, and the coordinator looks it up. What is written
//! out all the same is sent as it is, and shown nowhere: records, reports and error messages have
//! `***` in its place.
//!
//! ```text
//! Plan ────────────► plan, header, login_body ─► a plan for records, places in words
//! text, --set ─────► written ──────────────────► the text with masks
//!                       all by the names in keys
//! ```
//!
//! - [`mod@plan`]: all secrets of a plan; `header` and `login_body`: those of its parts;
//! - [`written`]: a scenario's text and arguments, before they are understood;
//! - `keys`: the names of keys and header fields that decide.

mod header;
mod keys;
mod login_body;
pub(crate) mod plan;
pub(crate) mod written;

pub(crate) use self::written::{mask_secrets_same_length, mask_set_same_length};
pub use self::{
    plan::variables,
    written::{mask_secrets, mask_set},
};
pub use crate::mask::{literal_parts, mask_address, query_secrets};
