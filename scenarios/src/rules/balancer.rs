//! The balancer knows the policy, learns of nodes in a way of its own, and ends TLS
//! where it stands.

use crate::{
    diagnostic::Findings,
    plan::{Balancer, Join, Measure, Policy},
    scenario::{Scenario, SystemAsked},
    section::{
        Choice,
        cluster::{Cluster, Written},
    },
};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let SystemAsked::Cluster(cluster) = &scenario.system else {
        return;
    };
    let Some(balancer) = &cluster.balancer else {
        return;
    };
    let balancer = balancer.value;
    check_word::<Policy>(balancer, &cluster.policy, balancer.policies(), findings);
    check_word::<Measure>(balancer, &cluster.load, balancer.measures(), findings);
    check_word::<Join>(balancer, &cluster.join, balancer.joins(), findings);
    match balancer {
        Balancer::None => check_absent(cluster, findings),
        Balancer::Gateway | Balancer::Nginx | Balancer::Haproxy => check_tls(cluster, findings),
    }
}

/// The value is one of those that the balancer has.
fn check_word<C: Choice>(
    balancer: Balancer,
    written: &Written<C>,
    has: &[C],
    findings: &mut Findings,
) {
    let Written::Yes(at) = written else {
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
        .map(|word| format!("{:?}", word.word()))
        .collect();
    let finding = at.spot.finding(what).accepted(words.join(" or "));
    let hint = (balancer == Balancer::None)
        .then(|| "name what stands there: `balancer = \"gateway\"`".to_owned());
    findings.add(finding.maybe_hint(hint));
}

/// What belongs to a balancer is not there without one.
fn check_absent(cluster: &Cluster, findings: &mut Findings) {
    if let Some(gateways) = cluster.gateways.as_ref().filter(|at| at.value > 1) {
        let finding = gateways
            .spot
            .finding("several balancers, and none is named");
        findings
            .add(finding.accepted("`gateways` beside `balancer = \"gateway\"`, or another one"));
    }
    if let Some(tls) = cluster.balancer_tls.as_ref().filter(|at| at.value) {
        let finding = tls.spot.finding("TLS at a balancer, and there is none");
        let hint = "`tls = true` is TLS at the nodes";
        findings.add(finding.accepted("false").hint(hint));
    }
}

/// Behind a balancer nodes speak plain HTTP.
fn check_tls(cluster: &Cluster, findings: &mut Findings) {
    if let Some(tls) = cluster.tls.as_ref().filter(|at| at.value) {
        let finding = tls.spot.finding("TLS at nodes behind a balancer");
        let hint = "`balancer_tls = true` has sessions end at the balancer";
        findings.add(finding.accepted("false").hint(hint));
    }
}
