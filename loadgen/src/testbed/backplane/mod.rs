//! The brokers of a cluster.
//!
//! - [`testbed_brokers`]: both brokers of a cluster, and the processes that use each;
//! - [`testbed_backplane`]: the broker that joins the nodes: none, the embedded one or an external
//!   one;
//! - [`embedded`]: the embedded broker, a process that the harness starts;
//! - [`external`]: a broker that runs already, which the harness never starts or ends;
//! - [`stream_filter`]: the filter of a cluster that routes through a stream;
//! - [`broker_process`]: the process of an external broker, if it is on this machine.

mod broker_process;
mod embedded;
mod external;
mod stream_filter;
mod testbed_backplane;
mod testbed_brokers;

pub(super) use embedded::EmbeddedBroker;
pub(super) use testbed_brokers::TestbedBrokers;
