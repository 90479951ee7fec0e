//! A kind of balancer, and the trait of one balancer.

use std::{fmt, net::SocketAddr, path::Path, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt, ready};
use highwater_process::{Child, Program};
use highwater_scenarios::plan::{BalancerKind, BalancerPolicy};

use super::{
    super::{TestbedError, cluster_process::ClusterProcess, context::ClusterContext},
    backends::{BackendChange, BalancerBackend},
    capacity::BalancerCapacity,
};
use crate::sampling::{GaugeSource, Gauges};

/// The declaration of a kind of balancer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BalancerDriver {
    /// The kind that a scenario names.
    pub(crate) kind: BalancerKind,
    /// The outside program that the kind needs; `None` for this project's own gateway.
    pub(crate) program: Option<Program>,
    /// The resident memory of one forwarded socket, in bytes, for `doctor`.
    ///
    /// Measured as `balancer_rss` in `cost_per_socket` of the summary of
    /// `highwater run scenarios/balance-scale-up.toml --set cluster.balancer=KIND`.
    pub(crate) bytes_per_socket: u64,
    /// Creates a balancer of this name that does not run yet.
    pub(super) create: CreateBalancer,
    /// Reads the gauges in a balancer's report; `None` if it is another text.
    pub(crate) parse_gauges: fn(&str) -> Option<Gauges>,
}

/// A function that creates a balancer of this name.
pub(super) type CreateBalancer =
    fn(&str, BalancerOptions<'_>) -> Result<Box<dyn Balancer>, TestbedError>;

/// The options that all balancers of a cluster share.
#[derive(Debug, Clone, Copy)]
pub(super) struct BalancerOptions<'c> {
    /// The folder of the logs.
    pub(super) log_dir: &'c Path,
    /// The folder in which each balancer has a folder for its files.
    pub(super) folder: &'c Path,
    /// The policy that spreads sockets over nodes.
    pub(super) policy: BalancerPolicy,
    /// The connections that a balancer has to hold.
    pub(super) capacity: BalancerCapacity,
}

/// One balancer.
pub(super) trait Balancer: fmt::Debug + Send + Sync {
    /// The process of the balancer.
    fn process(&self) -> &ClusterProcess;

    /// Starts the balancer in front of these nodes, and waits until it serves. Returns its
    /// child and the address for clients.
    fn start<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<(Child, SocketAddr), TestbedError>>;

    /// Replaces the configuration by one with these nodes, and waits until it serves.
    /// Returns the configuration.
    fn reload<'b>(
        &'b self,
        _context: &'b ClusterContext,
        _backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        unsupported(self.process(), "a reload")
    }

    /// Applies one change to the running balancer. Returns the commands that it received.
    fn reconfigure<'b>(
        &'b self,
        _change: &'b BackendChange,
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        unsupported(self.process(), "a command")
    }

    /// Returns the active configuration in full; `None` before the first start.
    fn configuration(&self) -> Option<String>;

    /// Returns the source of the balancer's gauges; `None` before the first start.
    fn gauge_source(&self) -> Option<Arc<dyn GaugeSource>>;
}

/// The scenario's checks allow a kind only the ways to join that it supports, so this error
/// means that they and the driver disagree.
fn unsupported<'b>(
    process: &ClusterProcess,
    command: &str,
) -> BoxFuture<'b, Result<String, TestbedError>> {
    ready(Err(TestbedError::ChangeRejected {
        id: process.id.clone(),
        command: command.to_owned(),
        response: "not supported by this kind of balancer".to_owned(),
    }))
    .boxed()
}
