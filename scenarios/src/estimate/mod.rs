//! The size of a plan: its load at the peak, and the processes and files that it takes.
//!
//! - [`load`]: sockets, users, and rates;
//! - [`files`]: open files, and the workers that they make necessary;
//! - [`cluster`]: nodes that take sockets, and a balancer's share.

mod cluster;
mod files;
mod load;

pub use self::{
    cluster::BalancerShare,
    files::{RESERVED_FILES, usable_files},
};
