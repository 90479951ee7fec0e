//! Messages to topics, published and heard.
//!
//! - [`stamp`]: what a message carries to be told from others;
//! - [`publisher`]: a publisher's schedule and sequence;
//! - [`http_publisher`]: a publisher that calls the HTTP interface;
//! - [`speaker`]: one that is a device;
//! - [`sequence`]: what of one publisher's sequence came to one subscriber;
//! - [`listener`]: a device that subscribes;
//! - [`member`]: a device that does either, for the socket that it has.

pub mod http_publisher;
pub mod publisher;
pub mod sequence;
pub mod stamp;
pub mod subscriber;
pub mod topic_client;
pub mod ws_publisher;

pub use topic_client::TopicClient;
