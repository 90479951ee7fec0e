//! The capacity of this machine in a few sentences.

use highwater_scenarios::text_layout::TextLayout;
use highwater_types::format::count;

use crate::doctor::{
    capacity::{BindingConstraint, Capacity},
    host_role::HostRole,
    limits::HostLimits,
};

/// Writes the sentences.
pub(super) fn write(capacity: &Capacity, limits: &HostLimits, page: &mut TextLayout) {
    page.heading("This machine");
    let first = |role| capacity.for_role(role)?.binding_constraint();
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
             needs. With both ends on this machine, that ends at about {}: {}.",
            count(both.sockets),
            both.constraint.describe(limits),
        ));
    }
    if let Some(ports) = limits.port_range {
        page.paragraph(&format!(
            "Towards one address on another machine, sockets end at {} for each address of this \
             machine (highwater run --bind).",
            count(ports.count()),
        ));
    }
}

/// Returns one sentence for each limit that binds in a process, with all processes in which it
/// binds.
fn per_process_sentences(
    processes: &[(&str, Option<BindingConstraint>)],
    limits: &HostLimits,
) -> Vec<String> {
    let mut binding: Vec<(String, Vec<String>)> = Vec::new();
    for (process, first) in processes {
        let Some(first) = first else { continue };
        let limit = first.constraint.describe(limits);
        let sockets = format!("{} in {process}", count(first.sockets));
        match binding.iter_mut().find(|(known, _)| *known == limit) {
            Some((_, list)) => list.push(sockets),
            None => binding.push((limit, vec![sockets])),
        }
    }
    if binding.is_empty() {
        return vec!["None of its limits is known.".to_owned()];
    }
    let sentence = |(limit, sockets): (String, Vec<String>)| {
        let sockets = sockets.join(", ");
        format!("What binds first is {limit}: sockets end at {sockets}.")
    };
    binding.into_iter().map(sentence).collect()
}
