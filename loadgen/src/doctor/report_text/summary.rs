//! The answer in a few sentences.

use highwater_scenarios::text_layout::TextLayout;
use highwater_types::format::count;

use crate::doctor::{
    capacity::{BindingConstraint, Capacity},
    host_role::HostRole,
    limits::HostLimits,
};

pub(super) fn write(capacity: &Capacity, limits: &HostLimits, page: &mut TextLayout) {
    page.heading("This machine");
    let first = |usage| {
        capacity
            .for_role(usage)
            .and_then(|found| found.binding_constraint())
    };
    let processes = [
        ("a worker", first(HostRole::Worker)),
        ("a node", first(HostRole::Node)),
        ("a proxy", first(HostRole::Proxy)),
    ];
    for sentence in per_process_sentences(&processes, limits) {
        page.paragraph(&sentence);
    }
    if let Some(both) = first(HostRole::BothEnds) {
        page.paragraph(&format!(
            "More sockets take more processes, and `highwater run` starts as many workers as it \
             needs. With both ends on this machine that ends at about {}: {}.",
            count(both.sockets),
            both.constraint.describe(limits),
        ));
    }
    if let Some(ports) = limits.port_range {
        page.paragraph(&format!(
            "Towards one address on another machine connects get slow past {} sockets, and end at {}.",
            count(ports.knee()),
            count(ports.count()),
        ));
    }
}

/// One sentence for each limit that binds in a process, with all processes
/// that it binds in.
fn per_process_sentences(
    processes: &[(&str, Option<BindingConstraint>)],
    limits: &HostLimits,
) -> Vec<String> {
    let mut binding: Vec<(String, Vec<String>)> = Vec::new();
    for (process, ceiling) in processes {
        let Some(ceiling) = ceiling else { continue };
        let words = ceiling.constraint.describe(limits);
        let holds = format!("{} in {process}", count(ceiling.sockets));
        match binding.iter_mut().find(|(named, _)| *named == words) {
            Some((_, holding)) => holding.push(holds),
            None => binding.push((words, vec![holds])),
        }
    }
    if binding.is_empty() {
        return vec!["Nothing is known of its limits.".to_owned()];
    }
    binding
        .into_iter()
        .map(|(words, holding)| {
            format!(
                "What binds first is {words}: sockets end at {}.",
                holding.join(", ")
            )
        })
        .collect()
}
