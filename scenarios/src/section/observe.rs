//! `observe` of a target: processes to sample.

use crate::{
    plan::{self, BasicCredentials, HttpHeader, OwnMetric},
    value::{
        basic_credentials, boolean, cgroup_path, container_name, count, headers, metrics_addresses,
        name, own_metrics, text,
    },
};

section! {
    /// A process to sample beside the load: by a metrics endpoint, a process id, a control group
    /// or a container. A run is refused if it is not there at the start, and inconclusive if it
    /// goes away. The page on observed processes has an example for each runtime.
    pub(crate) struct ObserveSection = "[[target.observe]]";

    /// The process's name in the report.
    pub(crate) name: String = name(), required;

    /// Address of a metrics endpoint, in the text format of Prometheus or in OpenMetrics. Each
    /// of several addresses is a process of its own: `NAME-1`, `NAME-2`, … `[target.tls]` holds
    /// for `https`.
    pub(crate) prometheus: Vec<String> = metrics_addresses(), optional;

    /// Header fields of the requests to the endpoint, as in `[target]`.
    pub(crate) headers: Vec<HttpHeader> = headers(), optional;

    /// Name and password of the requests to the endpoint. `${NAME}` is taken from the
    /// coordinator's environment.
    pub(crate) basic: BasicCredentials = basic_credentials(), optional;

    /// Process id on this machine.
    // Process ids of Linux are signed numbers of 32 bits.
    pub(crate) pid: u32 = count(1, i32::MAX as u64), optional;

    /// Whether memory, CPU time and open files are summed over the process and all its
    /// children. Memory that processes share counts once for each of them.
    pub(crate) pid_children: bool = boolean(), default "true";

    /// Control group of this machine. Its memory, without inactive pages of files, and its CPU
    /// time stand in place of those of the process.
    pub(crate) cgroup: String = cgroup_path(), optional;

    /// Container of this machine: its process and its control group. The engine is asked at `/var/run/docker.sock`, or at the socket in
    /// `DOCKER_HOST`.
    pub(crate) container: String = container_name(), optional;

    /// The endpoint's gauge of open sockets. Only that of the reference node is known without
    /// it; other servers' sockets are not counted without this key.
    pub(crate) sockets_metric: String = text(), optional;

    /// Further metrics of the endpoint, by a name for the report and for gates. Matching series
    /// are summed; a counter becomes its rate per second.
    pub(crate) metrics: Vec<OwnMetric> = own_metrics(), optional;

    /// Whether a metric may be absent when the run starts, as one that the process creates with
    /// its first socket. Otherwise a selector that finds nothing then is an error.
    pub(crate) late_metrics: bool = boolean(), default "false";
}

impl ObserveSection {
    pub(crate) fn resolve(self) -> Option<plan::ObservedProcess> {
        Some(plan::ObservedProcess {
            name: self.name.value?,
            prometheus: self.prometheus.value.unwrap_or_default(),
            headers: self.headers.value.unwrap_or_default(),
            basic: self.basic.value,
            pid: self.pid.value,
            pid_children: self.pid_children.value?,
            cgroup: self.cgroup.value,
            container: self.container.value,
            sockets_metric: self.sockets_metric.value,
            metrics: self.metrics.value.unwrap_or_default(),
            late_metrics: self.late_metrics.value?,
        })
    }
}
