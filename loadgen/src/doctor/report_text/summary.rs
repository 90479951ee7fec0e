//! The answer in a few sentences.

use highwater_scenarios::{format::count, text_layout::Page};

use crate::doctor::{
    capacity::{Capacity, Ceiling},
    host_role::Usage,
    limits::Limits,
};

pub(super) fn write(capacity: &Capacity, limits: &Limits, page: &mut Page) {
    page.heading("This machine");
    let first = |usage| capacity.ceilings_of(usage).and_then(|found| found.first());
    let processes = [
        ("a worker", first(Usage::Worker)),
        ("a node", first(Usage::Node)),
        ("a proxy", first(Usage::Proxy)),
    ];
    for sentence in in_a_process(&processes, limits) {
        page.paragraph(&sentence);
    }
    if let Some(both) = first(Usage::BothEnds) {
        page.paragraph(&format!(
            "More sockets take more processes, and `highwater run` starts as many workers as it \
             needs. With both ends on this machine that ends at about {}: {}.",
            count(both.sockets),
            both.constraint.words(limits),
        ));
    }
    if let Some(ports) = limits.ports {
        page.paragraph(&format!(
            "Towards one address on another machine connects get slow past {} sockets, and end at {}.",
            count(ports.knee()),
            count(ports.count()),
        ));
    }
}

/// One sentence for each limit that binds in a process, with all processes
/// that it binds in.
fn in_a_process(processes: &[(&str, Option<Ceiling>)], limits: &Limits) -> Vec<String> {
    let mut binding: Vec<(String, Vec<String>)> = Vec::new();
    for (process, ceiling) in processes {
        let Some(ceiling) = ceiling else { continue };
        let words = ceiling.constraint.words(limits);
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
