//! What stands in front of the nodes: balancers side by side, or nothing.
//!
//! - [`front`]: all of them, as the cluster holds them;
//! - [`kind`]: one of them, whichever it is;
//! - [`gateway`], [`nginx`], [`haproxy`]: one file each; the next one is written by
//!   looking at its neighbour;
//! - [`servers`]: the nodes, as a balancer's configuration names them;
//! - [`process`]: a balancer's process and where it listens;
//! - [`template`]: configurations from the templates in `deploy/`;
//! - [`room`]: how many connections a balancer is given room for.

mod any_balancer;
mod backends;
mod capacity;
pub(crate) mod gateway;
pub(crate) mod haproxy;
mod load_balancers;
pub(crate) mod nginx;
mod process;
mod template;

pub use self::load_balancers::BalancerChange;
pub(super) use self::load_balancers::LoadBalancers;
