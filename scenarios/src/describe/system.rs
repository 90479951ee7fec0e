//! The system that the load is put on, in words.

use std::time::Duration;

use highwater_types::format;

use crate::{
    Plan,
    plan::{
        BackplaneSpec, BalancerKind, BalancerLoadMetric, BrokerSpec, CertificateTrust, ClusterSpec,
        DevicePool, HttpHeader, SystemSpec, TargetSpec, Word,
    },
    secrets::mask_address,
    text_layout::TextLayout,
};

pub(super) fn describe(plan: &Plan, page: &mut TextLayout) {
    page.heading("System");
    match &plan.system {
        SystemSpec::Cluster(cluster) => page.paragraph(&cluster_in_words(cluster)),
        SystemSpec::Target(target) => page.paragraph(&target_in_words(target)),
    }
    for pool in &plan.devices {
        if let Some(text) = values_in_words(pool) {
            page.paragraph(&text);
        }
    }
}

/// Returns what the devices of a pool have of their own; `None` where they have nothing.
fn values_in_words(pool: &DevicePool) -> Option<String> {
    let data = pool.data.as_ref().map(|data| {
        format!(
            "a row of {} ({}: {})",
            data.file,
            format::plural(data.rows, "row"),
            data.columns.join(", ")
        )
    });
    let login = pool.login.as_ref().map(|login| {
        let taken: Vec<&str> = login.take.iter().map(|take| take.name.as_str()).collect();
        let gives = match taken.as_slice() {
            [] => String::new(),
            names => format!(", which gives {}", names.join(", ")),
        };
        format!(
            "a login with {} {}{gives}",
            login.method.as_str(),
            login.url
        )
    });
    let parts: Vec<String> = data.into_iter().chain(login).collect();
    (!parts.is_empty())
        .then(|| format!("Each device of {} has {}.", pool.name, parts.join(" and ")))
}

fn cluster_in_words(cluster: &ClusterSpec) -> String {
    let nodes = match cluster.nodes {
        1 => "1 node (n1)".to_owned(),
        2 => "2 nodes (n1, n2)".to_owned(),
        count => format!("{} nodes (n1 to n{count})", format::count(count.into())),
    };
    format!(
        "A cluster of {nodes} on this machine, started for the run: backplane {}, {}, policy {}, commands routed by {}{}{}{}{}.",
        backplane_in_words(&cluster.backplane),
        balancer_in_words(cluster),
        cluster.policy.as_str(),
        cluster.routing.as_str(),
        if cluster.tls { ", over TLS" } else { "" },
        if cluster.auth { ", with tokens" } else { "" },
        max_age_in_words(cluster.max_age),
        consumers_in_words(cluster),
    )
}

/// Returns the backplane in words. The address is displayed without its password.
fn backplane_in_words(backplane: &BackplaneSpec) -> String {
    match backplane {
        BackplaneSpec::Local => "local".to_owned(),
        BackplaneSpec::Broker(broker) => broker_in_words(broker),
    }
}

fn broker_in_words(broker: &BrokerSpec) -> String {
    let name = broker.url.kind().name();
    format!("{} ({name}, which must be running already)", broker.url)
}

fn balancer_in_words(cluster: &ClusterSpec) -> String {
    let word = cluster.balancer.as_str();
    if cluster.balancer == BalancerKind::None {
        return format!("balancer {word}");
    }
    let count = match cluster.balancers {
        1 => format!("balancer {word} (b1)"),
        count => format!("{count} balancers {word} (b1 to b{count})"),
    };
    let tls = if cluster.balancer_tls {
        " with TLS"
    } else {
        ""
    };
    let load = match cluster.load_metric {
        BalancerLoadMetric::Sockets => String::new(),
        load => format!(" by {}", load.as_str()),
    };
    format!(
        "{count}{tls}{load}, nodes join by {}",
        cluster.join.as_str()
    )
}

fn max_age_in_words(max_age: Option<Duration>) -> String {
    match max_age {
        None => String::new(),
        // Nodes draw each socket's age from the last quarter, so that sockets that opened
        // together do not close together.
        Some(age) => format!(
            "; sockets are closed when they are {} to {} old",
            format::duration(age * 3 / 4),
            format::duration(age)
        ),
    }
}

fn consumers_in_words(cluster: &ClusterSpec) -> String {
    let consumers = &cluster.consumers;
    let count = match consumers.count {
        0 => return String::new(),
        1 => "1 consumer (c1)".to_owned(),
        count => format!("{count} consumers (c1 to c{count})"),
    };
    let time = match consumers.processing_time.is_zero() {
        true => String::new(),
        false => format!(" in {} each", format::duration(consumers.processing_time)),
    };
    let drops = match consumers.drop_every {
        0 => String::new(),
        every => format!(", which drop one in {}", format::count(every)),
    };
    let queue = cluster.telemetry.as_ref().map(broker_in_words);
    let queue = queue.map(|queue| format!(", from {queue}"));
    let queue = queue.unwrap_or_default();
    format!("; telemetry records handled by {count}{time}{drops}{queue}")
}

fn target_in_words(target: &TargetSpec) -> String {
    let observed = target.observe.iter();
    let observed: usize = observed.map(|process| process.process_names().len()).sum();
    let observed = match observed {
        0 => "no process of it is observed, so nothing is said about its memory".to_owned(),
        1 => "1 process of it is observed".to_owned(),
        count => format!("{count} processes of it are observed"),
    };
    let http = match target.http.as_slice() {
        [] => String::new(),
        http => format!(", commands to {}", masked(http)),
    };
    format!(
        "A system that is running: sockets to {}{http}; dialect {}{}{}{}{}; {observed}.",
        masked(&target.ws),
        target.dialect.as_str(),
        preset_in_words(target.preset.as_deref()),
        subprotocols_in_words(&target.subprotocol),
        trust_in_words(&target.trust),
        headers_in_words(&target.headers),
    )
}

/// Lists addresses. The values in their queries may be secrets.
fn masked(addresses: &[String]) -> String {
    let masked: Vec<String> = addresses
        .iter()
        .map(|address| mask_address(address))
        .collect();
    masked.join(", ")
}

fn preset_in_words(preset: Option<&str>) -> String {
    preset.map_or_else(String::new, |name| format!(", preset {name}"))
}

fn subprotocols_in_words(subprotocols: &[String]) -> String {
    match subprotocols {
        [] => String::new(),
        names => format!("; subprotocol {}", names.join(" or ")),
    }
}

fn trust_in_words(trust: &CertificateTrust) -> String {
    match trust {
        CertificateTrust::Machine => String::new(),
        CertificateTrust::Authorities { file } => format!("; certificates by {file} alone"),
        CertificateTrust::Anybody => "; certificates are not verified".to_owned(),
    }
}

/// Returns the names of header fields. Their values may be secrets.
fn headers_in_words(headers: &[HttpHeader]) -> String {
    let names: Vec<_> = headers.iter().map(|header| header.name.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; with {}", names.join(", ")),
    }
}
