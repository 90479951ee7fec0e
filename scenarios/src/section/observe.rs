//! `observe` of a target: processes to sample.

use crate::{
    plan,
    value::{count, http_address, name, text},
};

section! {
    /// A process to sample beside the load: an endpoint, a process id, or both. A run is refused
    /// if it is not there at the start, and inconclusive if it goes away.
    pub(crate) struct ObserveSection = "[[target.observe]]";

    /// The node's name in the report.
    pub(crate) name: String = name(), required;

    /// Address of a Prometheus text endpoint.
    pub(crate) prometheus: String = http_address(), optional;

    /// Process id on this machine.
    // Process ids of Linux are signed numbers of 32 bits.
    pub(crate) pid: u32 = count(1, i32::MAX as u64), optional;

    /// The endpoint's gauge of open sockets, where it is not one that the harness knows.
    pub(crate) sockets_metric: String = text(), optional;
}

impl ObserveSection {
    pub(crate) fn resolve(self) -> Option<plan::ObservedProcess> {
        Some(plan::ObservedProcess {
            name: self.name.value?,
            prometheus: self.prometheus.value,
            pid: self.pid.value,
            sockets_metric: self.sockets_metric.value,
        })
    }
}
