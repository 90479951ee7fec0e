//! The system under test, in one line.

use highwater_scenarios::plan::{BackplaneSpec, ClusterSpec, Routing, SystemSpec};

/// Describes the system: `a cluster of 3 nodes, backplane Redis at redis://127.0.0.1:6379,
/// with TLS`.
pub(super) fn system(system: &SystemSpec) -> String {
    match system {
        SystemSpec::Cluster(cluster) => cluster_parts(cluster).join(", "),
        SystemSpec::Target(target) => target.ws.join(", "),
    }
}

/// Returns the parts that differ from the defaults.
fn cluster_parts(cluster: &ClusterSpec) -> Vec<String> {
    let mut parts = vec![match cluster.nodes {
        1 => "a cluster of one node".to_owned(),
        nodes => format!("a cluster of {nodes} nodes"),
    }];
    parts.extend(balancer_text(cluster));
    if let BackplaneSpec::Broker(broker) = &cluster.backplane {
        let (name, url) = (broker.url.kind().name(), &broker.url);
        parts.push(format!("backplane {name} at {url}"));
    }
    if cluster.routing == Routing::Broadcast {
        parts.push("commands broadcast".to_owned());
    }
    if let Some(broker) = &cluster.telemetry {
        let (name, url) = (broker.url.kind().name(), &broker.url);
        parts.push(format!("telemetry over {name} at {url}"));
    }
    // Most scenarios have no telemetry, so no consumers are not worth a word.
    match cluster.consumers.count {
        0 => {}
        1 => parts.push("one consumer".to_owned()),
        count => parts.push(format!("{count} consumers")),
    }
    parts.extend(cluster.tls.then(|| "with TLS".to_owned()));
    parts.extend(cluster.auth.then(|| "with tokens".to_owned()));
    parts
}

/// Describes the balancers in front of the nodes.
fn balancer_text(cluster: &ClusterSpec) -> Option<String> {
    let name = cluster.balancer.name()?;
    Some(match cluster.balancers {
        1 => format!("behind {name}"),
        several => format!("behind {several} of {name}"),
    })
}
