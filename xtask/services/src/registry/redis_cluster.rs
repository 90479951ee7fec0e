//! A Redis cluster of three masters, with or without replicas, which has sharded pub/sub.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use super::redis;
use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program};

/// The least masters of which `redis-cli` makes a cluster.
const MASTERS: usize = 3;

/// Starts a Redis cluster.
#[derive(Debug)]
pub struct RedisClusterService {
    program: PathBuf,
    cli: PathBuf,
    nodes: Vec<RedisClusterNode>,
    options: RedisClusterOptions,
}

/// The variants of a Redis cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedisClusterOptions {
    /// The replicas of each master. With one or more, a master that is dead for two seconds
    /// is replaced.
    pub replicas: usize,
}

#[derive(Debug)]
struct RedisClusterNode {
    port: u16,
    /// The port of the cluster bus.
    bus: u16,
}

impl RedisClusterService {
    /// Starts it and waits until every node finds the cluster complete.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Self::start_with(RedisClusterOptions::default())
    }

    /// Starts one of another kind, and waits until every node finds the cluster complete and
    /// every replica has the data of its master. The masters are its first processes.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start_with(options: RedisClusterOptions) -> Result<Service, ServiceError> {
        let node = || {
            Ok(RedisClusterNode {
                port: port::pick_free_port()?,
                bus: port::pick_free_port()?,
            })
        };
        Service::start(Self {
            program: program::REDIS.require()?,
            cli: program::REDIS_CLI.require()?,
            options,
            nodes: (0..MASTERS * (1 + options.replicas))
                .map(|_| node())
                .collect::<Result<_, ServiceError>>()?,
        })
    }
}

impl ServiceDefinition for RedisClusterService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::RedisCluster
    }

    /// Returns the URL of the first node; clients discover the others through it.
    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.nodes[0].port)
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        // Each node keeps its view of the cluster in its directory, so they cannot share one.
        self.nodes
            .iter()
            .try_for_each(|node| fs::create_dir(directory.join(node.port.to_string())))
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let server = |node: &RedisClusterNode| {
            let directory = directory.join(node.port.to_string());
            let mut command = redis::server(&self.program, node.port, &directory);
            command
                .args(["--appendonly", "yes", "--cluster-enabled", "yes"])
                // By default the bus takes the port plus 10,000, which was not reserved.
                .args(["--cluster-port", &node.bus.to_string()]);
            if self.options.replicas > 0 {
                command.args(["--cluster-node-timeout", "2000"]);
            }
            command
        };
        Ok(self.nodes.iter().map(server).collect())
    }

    fn is_listening(&self) -> bool {
        self.nodes.iter().all(|node| redis::is_ready(node.port))
    }

    fn init_command(&self) -> Result<Option<Command>, ServiceError> {
        let mut command = Command::new(&self.cli);
        command.args(["--cluster", "create"]);
        for node in &self.nodes {
            command.arg(format!("127.0.0.1:{}", node.port));
        }
        let replicas = self.options.replicas.to_string();
        command.args(["--cluster-replicas", &replicas, "--cluster-yes"]);
        Ok(Some(command))
    }

    fn is_ready(&self) -> bool {
        let are_replicating = |nodes: &[RedisClusterNode]| {
            let replicas = nodes.iter().filter(|node| is_replicating(node.port));
            replicas.count() == MASTERS * self.options.replicas
        };
        self.nodes.iter().all(|node| is_complete(node.port)) && are_replicating(&self.nodes)
    }
}

/// Whether the node at this port is a replica that has the data of its master.
fn is_replicating(port: u16) -> bool {
    probe::answers_with(port, b"INFO replication\r\n", |answer| {
        probe::contains(answer, "master_link_status:up")
    })
}

/// Whether every slot has a master, as the node at this port knows it.
pub(crate) fn is_complete(port: u16) -> bool {
    probe::answers_with(port, b"CLUSTER INFO\r\n", |answer| {
        probe::contains(answer, "cluster_state:ok")
    })
}
