//! The balancer knows the policy, learns of nodes in a way of its own, and ends TLS
//! where it stands.

use crate::{
    diagnostic::DiagnosticSink,
    plan::{BalancerKind, BalancerLoadMetric, BalancerPolicy, Join},
    scenario::{Scenario, SystemSection},
    section::{
        Choice,
        cluster::{ClusterSection, OptionalValue},
    },
};

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let SystemSection::Cluster(cluster) = &scenario.system else {
        return;
    };
    let Some(balancer) = &cluster.balancer else {
        return;
    };
    let balancer = balancer.value;
    check_supported::<BalancerPolicy>(balancer, &cluster.policy, balancer.policies(), findings);
    check_supported::<BalancerLoadMetric>(
        balancer,
        &cluster.load_metric,
        balancer.load_metrics(),
        findings,
    );
    check_supported::<Join>(balancer, &cluster.join, balancer.joins(), findings);
    match balancer {
        BalancerKind::None => check_without_balancer(cluster, findings),
        BalancerKind::Gateway | BalancerKind::Nginx | BalancerKind::Haproxy => {
            check_tls(cluster, findings)
        }
    }
}

/// The value is one of those that the balancer has.
fn check_supported<C: Choice>(
    balancer: BalancerKind,
    written: &OptionalValue<C>,
    has: &[C],
    findings: &mut DiagnosticSink,
) {
    let OptionalValue::Valid(at) = written else {
        return;
    };
    if has.contains(&at.value) {
        return;
    }
    let what = match balancer.name() {
        Some(name) => format!("not with {name}"),
        None => "nothing stands in front of the nodes: clients rotate over them".to_owned(),
    };
    let words: Vec<String> = has
        .iter()
        .map(|word| format!("{:?}", word.as_str()))
        .collect();
    let finding = at.location.diagnostic(what).expected(words.join(" or "));
    let hint = (balancer == BalancerKind::None)
        .then(|| "name what stands there: `balancer = \"gateway\"`".to_owned());
    findings.add(finding.maybe_hint(hint));
}

/// What belongs to a balancer is not there without one.
fn check_without_balancer(cluster: &ClusterSection, findings: &mut DiagnosticSink) {
    if let Some(balancers) = cluster.balancers.as_ref().filter(|at| at.value > 1) {
        let finding = balancers
            .location
            .diagnostic("several balancers, and none is named");
        findings
            .add(finding.expected("`balancers` beside `balancer = \"gateway\"`, or another one"));
    }
    if let Some(tls) = cluster.balancer_tls.as_ref().filter(|at| at.value) {
        let finding = tls
            .location
            .diagnostic("TLS at a balancer, and there is none");
        let hint = "`tls = true` is TLS at the nodes";
        findings.add(finding.expected("false").hint(hint));
    }
}

/// Behind a balancer nodes speak plain HTTP.
fn check_tls(cluster: &ClusterSection, findings: &mut DiagnosticSink) {
    if let Some(tls) = cluster.tls.as_ref().filter(|at| at.value) {
        let finding = tls.location.diagnostic("TLS at nodes behind a balancer");
        let hint = "`balancer_tls = true` has sessions end at the balancer";
        findings.add(finding.expected("false").hint(hint));
    }
}
