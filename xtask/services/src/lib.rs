//! Real services for tests. They start on free loopback ports, in temporary
//! directories and without root, and end with the process that started them.
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
//! ```text
//! registry ─► redis, nats, … ─► definition ─► service ─► process ─► cleanup
//!   kind       commands, probe    trait        handle     children    directories
//! ```
//!
//! - [`kind`]: the services by name;
//! - [`registry`]: the start and the probe of each, and below it one file per service. A new
//!   service implements `definition` and gets its lines in [`kind`] and [`registry`];
//! - `definition`: the trait that those files implement;
//! - [`service`]: a running service, with its URL, its end and its restart;
//! - [`program`]: the programs that must be on the machine, and `install`;
//! - `process`: the child processes; `cleanup`: their directories;
//! - `proxy`: the shared part of the proxies; `probe`: readiness checks; `stomp`: those of
//!   servers that speak STOMP;
//! - [`example`]: the servers of `examples/targets/`; [`python`]: the packages that some of
//!   them need;
//! - `namespace`: network namespaces for tests that change the network;
//! - [`error`]: the errors of all of these.

mod cleanup;
mod definition;
pub mod error;
pub mod example;
mod install;
pub mod kind;
mod namespace;
mod probe;
mod process;
pub mod program;
mod proxy;
pub mod python;
pub mod registry;
pub mod service;
mod stomp;

pub use highwater_process::port::pick_free_port;

pub use error::ServiceError;
pub use example::ExampleServer;
pub use install::install;
pub use kind::ServiceKind;
pub use namespace::run_in_namespace;
pub use program::{
    ARTILLERY, DEBIAN_PROGRAMS, EPMD, PEER_PROGRAMS, PROGRAMS, PROMTOOL, Program, TSUNG,
};
pub use registry::{
    activemq::{ActiveMqNetworkService, ActiveMqService},
    haproxy::HaproxyService,
    kafka::KafkaService,
    ministack::MINISTACK,
    nats::{NatsOptions, NatsService},
    nats_cluster::NatsClusterService,
    nginx::NginxService,
    pubsub::PubSubService,
    rabbitmq::RabbitMqService,
    rabbitmq_cluster::RabbitMqClusterService,
    redis::{RedisOptions, RedisService},
    redis_cluster::{RedisClusterOptions, RedisClusterService},
    redis_sentinel::RedisSentinelService,
    tansu::TansuService,
};
pub use service::Service;
