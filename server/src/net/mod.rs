//! Connections and the queues and limits around them. This layer knows nothing of
//! nodes, devices or the cluster.
//!
//! ```text
//!              accept queue
//!                   │  admission: connection limit, rate limit
//!                   ▼
//! listen ──► listener ──► tls ──► stream ──► HTTP/1 (hyper) ──► ws: frames
//!                                              bounded_queue: to a slow peer
//! ```
//!
//! In reading order: [`listen`] binds sockets, [`admission`] limits new connections,
//! [`proxies`] and [`networks`] say which peers speak for others, [`listener`] accepts
//! connections and serves HTTP on them, [`tls`] and [`stream`] carry their bytes, [`ws`] holds
//! the WebSocket frames, [`bounded_queue`] bounds the data for a slow peer, and that for all
//! peers together. [`backoff`] and [`pacer`] space attempts in time, [`broker_location`] is the place of
//! a broker, [`broker_servers`] orders attempts over its servers, [`task_group`] supervises essential tasks and
//! ends them together.

pub(crate) mod admission;
pub(crate) mod backoff;
pub(crate) mod bounded_queue;
pub(crate) mod broker_location;
#[cfg_attr(
    not(feature = "remote"),
    expect(dead_code, reason = "a build without any broker's client")
)]
pub(crate) mod broker_servers;
pub(crate) mod listen;
pub(crate) mod listener;
pub(crate) mod networks;
pub(crate) mod pacer;
pub(crate) mod proxies;
pub(crate) mod stream;
pub(crate) mod task_group;
pub mod tls;
pub(crate) mod ws;
