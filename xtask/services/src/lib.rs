//! Real services for tests: started on free loopback ports, in temporary
//! directories, without root, and gone with whoever started them.
//!
//! ```no_run
//! # use highwater_services::{Redis, RedisOptions, ServiceError};
//! # fn main() -> Result<(), ServiceError> {
//! let mut redis = Redis::start(RedisOptions { persistent: true })?;
//! println!("{}", redis.url());
//! redis.kill();
//! redis.start_again()?; // same port, same directory
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
//! - `process`, `spawner`: children that never outlive this process; `cleanup`: their
//!   directories;
//! - `port`, `exchange`, `proxy`: free ports, and asking a server whether it is there;
//! - [`error`]: what can go wrong.

mod cleanup;
mod definition;
pub mod error;
pub mod haproxy;
mod install;
pub mod kind;
pub mod nats;
pub mod nginx;
mod port;
mod probe;
mod process;
pub mod program;
mod proxy;
pub mod rabbitmq;
pub mod redis;
pub mod redis_cluster;
pub mod service;
mod spawner;

pub use error::ServiceError;
pub use haproxy::HaproxyService;
pub use install::install;
pub use kind::ServiceKind;
pub use nats::{NatsOptions, NatsService};
pub use nginx::NginxService;
pub use port::pick_free_port as free_port;
pub use program::{PROGRAMS, Program};
pub use rabbitmq::RabbitMqService;
pub use redis::{RedisOptions, RedisService};
pub use redis_cluster::RedisClusterService;
pub use service::Service;
