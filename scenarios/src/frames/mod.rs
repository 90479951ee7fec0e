//! Frames as data: what a socket sends, and what it makes of the frames that it receives.
//!
//! A scenario writes frames as text with placeholders, and describes frames of the server
//! by matchers. Both are compiled once per pool; a socket keeps only its own values.
//!
//! ```text
//! '{"id":"{ref}"}' ──► Template ──render, with Values──► a frame to send
//! { json = {…} }   ──► Matcher  ──matches, with Values──► yes or no
//!                          └──capture──► the `{ref}` or `{nonce}` of a received frame
//! ```
//!
//! - [`names`]: the placeholders that a template may use, and the values behind them;
//! - [`template`]: text with placeholders;
//! - [`hex`]: bytes with placeholders;
//! - [`address`]: addresses with placeholders;
//! - [`received`]: a received frame, read at most once in each form;
//! - [`json_path`]: the place of a value in JSON;
//! - [`matcher`]: tests on received frames.

pub mod address;
pub mod hex;
pub mod json_path;
pub mod matcher;
pub mod names;
pub mod received;
pub mod template;

pub use self::{
    address::{AddressTemplate, push_encoded},
    hex::HexTemplate,
    json_path::JsonPath,
    matcher::Matcher,
    names::{ValueNames, ValueRef, Values},
    received::ReceivedFrame,
    template::{Template, variables_of},
};
