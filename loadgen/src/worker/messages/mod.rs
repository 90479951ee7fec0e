//! Messages to topics, published and heard.
//!
//! - [`stamp`]: what a message carries to be told from others;
//! - [`publisher`]: a publisher's schedule and sequence;
//! - [`caller`]: a publisher that calls the HTTP interface;
//! - [`speaker`]: one that is a device;
//! - [`sequence`]: what of one publisher's sequence came to one subscriber;
//! - [`listener`]: a device that subscribes;
//! - [`member`]: a device that does either, for the socket that it has.

pub mod caller;
pub mod listener;
pub mod member;
pub mod publisher;
pub mod sequence;
pub mod speaker;
pub mod stamp;

pub use member::Member;
