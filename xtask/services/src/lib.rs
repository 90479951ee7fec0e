//! Real services for tests: started on free loopback ports, in temporary
//! directories, without root, and gone with whoever started them.
//!
//! ```no_run
//! # use highwater_services::{RedisOptions, RedisService, ServiceError};
//! # fn main() -> Result<(), ServiceError> {
//! let mut redis = RedisService::start(RedisOptions { persistent: true })?;
//! println!("{}", redis.url());
//! redis.kill();
//! redis.restart()?; // same port, same directory
//! # Ok(())
//! # }
//! ```
//!
//! All calls block; in an async test use `spawn_blocking` where that matters.
//!
//! - [`kind`]: the services there are, by name;
//! - [`redis`], [`redis_cluster`], [`nats`], [`rabbitmq`], [`nginx`], [`haproxy`]: one
//!   file each; the next one implements `recipe` and gets a line in [`kind`];
//! - [`service`]: a running one: its URL, its end, its second start;
//! - [`program`]: what must be on the machine, and `install`;
//! - `process`: the child processes; `cleanup`: their directories;
//! - `probe`, `proxy`: checks of whether a server is ready;
//! - [`error`]: what can go wrong.

mod cleanup;
mod definition;
pub mod error;
pub mod haproxy;
mod install;
pub mod kind;
pub mod nats;
pub mod nginx;
mod probe;
mod process;
pub mod program;
mod proxy;
pub mod rabbitmq;
pub mod redis;
pub mod redis_cluster;
pub mod service;

pub use error::ServiceError;
pub use haproxy::HaproxyService;
pub use install::install;
pub use kind::ServiceKind;
pub use nats::{NatsOptions, NatsService};
pub use nginx::NginxService;
pub use program::{PROGRAMS, Program};
pub use rabbitmq::RabbitMqService;
pub use redis::{RedisOptions, RedisService};
pub use redis_cluster::RedisClusterService;
pub use service::Service;
