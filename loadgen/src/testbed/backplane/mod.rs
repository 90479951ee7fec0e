//! The broker that joins the nodes of a cluster.
//!
//! - [`testbed_backplane`]: the broker of a cluster: none, the embedded one or an external one;
//! - [`embedded`]: the embedded broker, a process that the harness starts;
//! - [`external`]: a broker that runs already, which the harness never starts or ends;
//! - [`stream_filter`]: the filter of a cluster that routes through a stream;
//! - [`broker_process`]: the process of an external broker, if it is on this machine.

mod broker_process;
mod embedded;
mod external;
mod stream_filter;
mod testbed_backplane;

pub(super) use embedded::EmbeddedBroker;
pub(super) use testbed_backplane::TestbedBackplane;
