//! `[cluster]`: a cluster that the harness starts.

use std::time::Duration;

use highwater_types::{
    BrokerUrl,
    duration::{DAY, MINUTE, SECOND},
};

use super::{broker::BrokerSection, sub_table};
use crate::{
    plan::{self, BalancerKind, BalancerLoadMetric, BalancerPolicy, Join, MAX_BALANCERS, Routing},
    value::{BackplaneAddress, backplane, boolean, count, duration, telemetry_queue, word},
};

section! {
    /// A cluster of the reference server, which the harness starts, samples and stops itself.
    /// Its balancer learns of a node that is added, drained or brought back after a drain in
    /// one of four ways. `discovery`: by membership (`gateway`, `none`). `reload`: by a new
    /// configuration and a graceful reload (`nginx`, `haproxy`). `runtime`: by a command to
    /// the running balancer (`haproxy`). `predeclared`: not at all, because the node stands
    /// in the configuration from the start and is down until it comes (`nginx`, `haproxy`).
    pub(crate) struct ClusterSection = "[cluster]";

    /// Nodes at the start, called `n1`, `n2`, …; each is a process of its own.
    pub(crate) nodes: u32 = count(1, 200), default "1";

    /// The backplane that joins the nodes. `local` is the embedded broker, a process that the
    /// harness starts on this machine. An address is that of a broker that is running
    /// already; a run starts and installs nothing there, and no record, report or log holds
    /// the address's password.
    pub(crate) backplane: BackplaneAddress = backplane(), default "local";

    /// The place where a broker that is running already is measured; see `cluster.broker`.
    pub(crate) broker: BrokerSection = sub_table(), optional;

    /// The broker that carries telemetry records to the consumers, if it is not the one of the
    /// backplane: the address of a broker that is running already.
    pub(crate) telemetry: BrokerUrl = telemetry_queue(), optional;

    /// The place where the broker of `telemetry` is measured; its keys are those of
    /// `cluster.broker`.
    pub(crate) telemetry_broker: BrokerSection = sub_table(), optional;

    /// The balancer in front of the nodes. With `none`, clients rotate over the nodes. nginx
    /// and HAProxy must be installed; a run installs nothing.
    pub(crate) balancer: BalancerKind = word(), default "none", balancing;

    /// The policy by which new sockets are spread over the nodes: one node after the other;
    /// the node with the fewest; the one with fewer of two drawn at random; one drawn at
    /// random. Without it `p2c` behind the gateway, otherwise `round-robin`.
    pub(crate) policy: BalancerPolicy = word(), optional, balancing;

    /// The load of a node that the gateway's policy compares: its sockets, or the live bytes
    /// of its heap, which nodes report themselves. Without it its sockets.
    pub(crate) load_metric: BalancerLoadMetric = word(), optional, balancing;

    /// The way in which a command finds the node that owns its device: ask the owner
    /// directory, or ask every node.
    routing: Routing = word(), default "directory";

    /// The way in which the balancer learns of a node. Without it `reload` behind nginx and
    /// HAProxy, otherwise `discovery`.
    pub(crate) join: Join = word(), optional, balancing;

    /// Balancers side by side, called `b1`, `b2`, …; clients rotate over them. Balancers
    /// share no state except what nodes report.
    pub(crate) balancers: u32 = count(1, MAX_BALANCERS), default "1", balancing;

    /// Whether clients speak TLS to the balancer, which speaks plain HTTP to the nodes. Its
    /// certificate is made as with `tls`.
    pub(crate) balancer_tls: bool = boolean(), default "false", balancing;

    /// The age at which nodes close sockets, so that sockets move to new nodes little by
    /// little: each socket is closed at another moment between three quarters of this age and
    /// all of it. Without it no socket is closed for its age.
    max_age: Duration = duration(SECOND.saturating_mul(10), DAY.saturating_mul(30)), optional, balancing;

    /// Whether sockets and commands go over TLS. Every node gets a certificate for 127.0.0.1
    /// from an authority that is made for the run, and clients trust no other.
    pub(crate) tls: bool = boolean(), default "false";

    /// Whether nodes require tokens. Every device has a token of its own, and command users
    /// have one for all devices; workers sign them as a login service would.
    auth: bool = boolean(), default "false";

    /// Consumers of telemetry records, called `c1`, `c2`, …; each is a process of its own, and
    /// all are one group.
    // The name of a consumer in an event has two digits at most.
    pub(crate) consumers: u32 = count(0, 99), default "0";

    /// The time that a consumer takes for a telemetry record; it handles one at a time.
    processing_time: Duration = duration(Duration::ZERO, MINUTE), default "0s";

    /// A fault of known size, to see that it is found: each consumer acknowledges every so
    /// many-th of its telemetry records without handling it. 0 drops none.
    drop_every: u64 = count(0, 1_000_000_000), default "0";
}

impl ClusterSection {
    pub(crate) fn resolve(self) -> Option<plan::ClusterSpec> {
        let balancer = self.balancer.value?;
        Some(plan::ClusterSpec {
            nodes: self.nodes.value?,
            backplane: match self.backplane.value? {
                BackplaneAddress::Local => plan::BackplaneSpec::Local,
                BackplaneAddress::Broker(url) => {
                    plan::BackplaneSpec::Broker(BrokerSection::resolve(self.broker.value, url))
                }
            },
            telemetry: match self.telemetry.is_written {
                true => Some(BrokerSection::resolve(
                    self.telemetry_broker.value,
                    self.telemetry.value?,
                )),
                false => None,
            },
            balancer,
            // These defaults depend on the balancer, so no declaration can hold them.
            policy: self.policy.or_first_of(balancer.policies())?,
            load_metric: self.load_metric.or_first_of(balancer.load_metrics())?,
            join: self.join.or_first_of(balancer.joins())?,
            balancers: self.balancers.value?,
            balancer_tls: self.balancer_tls.value?,
            max_age: self.max_age.value,
            routing: self.routing.value?,
            tls: self.tls.value?,
            auth: self.auth.value?,
            consumers: plan::Consumers {
                count: self.consumers.value?,
                processing_time: self.processing_time.value?,
                drop_every: self.drop_every.value?,
            },
        })
    }
}
