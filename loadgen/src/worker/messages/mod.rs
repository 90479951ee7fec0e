//! Messages to topics: publishers, and devices that subscribe.
//!
//! ```text
//! plan::PublishLoad ──► publisher.rs   when a message is due, and its sequence number
//!                          │ stamp.rs: load, publisher, sequence, due, sent
//!            ┌─────────────┴──────────────┐
//!     http_publisher.rs            ws_publisher.rs ◄── topic_client.rs
//!            │ POST                       │ frame          ▲      │
//!            └──────────► system ◄────────┘                │      ▼
//!                           │ message with its stamp       │  subscriber.rs
//!                           └──────────► device's socket ──┘      │
//!                                                            sequence.rs: new, late, duplicate
//! ```
//!
//! - [`stamp`]: the text in a message that tells it from all others;
//! - [`publisher`]: a publisher's schedule and sequence;
//! - [`http_publisher`]: a publisher that calls the HTTP interface;
//! - [`ws_publisher`]: a publisher that is a device;
//! - [`sequence`]: one publisher's messages as one subscriber received them;
//! - [`subscriber`]: the subscriptions of one device;
//! - [`topic_client`]: a device that subscribes or publishes, over all its sockets.

pub mod http_publisher;
pub mod publisher;
pub mod sequence;
pub mod stamp;
pub mod subscriber;
pub mod topic_client;
pub mod ws_publisher;

pub use topic_client::TopicClient;
