//! The balancer knows its policy, load and way to join, and ends TLS in its own place.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::{BalancerKind, Word},
    scenario::Scenario,
    section::{Field, cluster::ClusterSection},
    value::quoted_words,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(cluster) = scenario.only_cluster() else {
        return;
    };
    let Some(balancer) = cluster.balancer.value else {
        return;
    };
    check_supported(balancer, &cluster.policy, balancer.policies(), sink);
    check_supported(
        balancer,
        &cluster.load_metric,
        balancer.load_metrics(),
        sink,
    );
    check_supported(balancer, &cluster.join, balancer.joins(), sink);
    match balancer {
        BalancerKind::None => check_without_balancer(cluster, sink),
        BalancerKind::Gateway | BalancerKind::Nginx | BalancerKind::Haproxy => {
            check_tls(cluster, sink)
        }
    }
}

/// Checks that the balancer supports the value of a key.
fn check_supported<W: Word>(
    balancer: BalancerKind,
    field: &Field<W>,
    supported: &[W],
    sink: &mut DiagnosticSink,
) {
    if field.value.is_none_or(|value| supported.contains(&value)) {
        return;
    }
    let diagnostic = match balancer.name() {
        Some(name) => Diagnostic::new(format!("{name} does not support this value")),
        None => Diagnostic::new("without a balancer, clients rotate over the nodes")
            .hint("set `balancer = \"gateway\"`, or another one"),
    };
    sink.report(
        &field.location,
        diagnostic.expected(quoted_words(supported)),
    );
}

/// Checks that a cluster without a balancer sets none of a balancer's keys.
fn check_without_balancer(cluster: &ClusterSection, sink: &mut DiagnosticSink) {
    // One is the default, and harmless.
    if cluster.balancers.value > Some(1) {
        sink.report(
            &cluster.balancers.location,
            Diagnostic::new("several balancers, and `balancer` is `none`")
                .expected("`balancers` beside `balancer = \"gateway\"`, or another one"),
        );
    }
    if cluster.balancer_tls.is(&true) {
        sink.report(
            &cluster.balancer_tls.location,
            Diagnostic::new("TLS at a balancer, and `balancer` is `none`")
                .expected("false")
                .hint("`tls = true` is TLS at the nodes"),
        );
    }
}

/// Checks that nodes behind a balancer speak plain HTTP, as the balancers' templates do.
fn check_tls(cluster: &ClusterSection, sink: &mut DiagnosticSink) {
    if cluster.tls.is(&true) {
        sink.report(
            &cluster.tls.location,
            Diagnostic::new("TLS at nodes behind a balancer")
                .expected("false")
                .hint("`balancer_tls = true` has sessions end at the balancer"),
        );
    }
}
