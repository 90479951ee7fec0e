//! The balancers in front of the nodes.
//!
//! ```text
//! a node starts or drains ─► load_balancers ─► backends: is that a change?
//!                                │ yes, by the scenario's `join`
//!                                ├─ reload:      Balancer::reload ──────► new configuration
//!                                ├─ runtime:     Balancer::reconfigure ─► commands
//!                                └─ discovery, predeclared: nothing to send
//! ```
//!
//! A new balancer is a file beside [`nginx`] with a
//! [`BalancerDriver`](driver::BalancerDriver) and a [`Balancer`](driver::Balancer), a template
//! beside those in `deploy/`, and a line in [`registry`].
//!
//! - [`load_balancers`]: all balancers of a cluster;
//! - [`driver`]: the declaration of a kind, and the trait of one balancer;
//! - [`registry`]: the kinds;
//! - [`gateway`], [`nginx`], [`haproxy`]: one kind each, with its gauges in a file below it;
//! - [`program`]: another project's program, its process and its configuration file;
//! - [`backends`]: the nodes as a configuration names them;
//! - [`capacity`]: the connections that a balancer has to hold;
//! - [`gauges`]: names of gauges for each node;
//! - [`template`]: configurations from the templates in `deploy/`.

mod backends;
mod capacity;
mod driver;
mod gateway;
mod gauges;
mod haproxy;
mod load_balancers;
mod nginx;
mod program;
mod registry;
mod template;

pub use load_balancers::BalancerChange;
pub(super) use load_balancers::LoadBalancers;
pub(crate) use registry::{DRIVERS, driver};
