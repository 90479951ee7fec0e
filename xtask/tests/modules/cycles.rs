//! The cycles of a directed graph.

use std::collections::BTreeSet;

use super::Edges;

/// Returns each set of modules that reach each other.
pub(crate) fn cycles(edges: &Edges) -> Vec<BTreeSet<String>> {
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for module in edges.keys() {
        if found.iter().any(|cycle| cycle.contains(module)) {
            continue;
        }
        let ahead = reachable(edges, module);
        let cycle: BTreeSet<String> = ahead
            .into_iter()
            .filter(|other| reachable(edges, other).contains(module))
            .collect();
        if cycle.len() > 1 {
            found.push(cycle);
        }
    }
    found
}

/// Returns the modules that `from` depends on, directly or through others.
fn reachable(edges: &Edges, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in edges.get(module).into_iter().flat_map(|to| to.keys()) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen
}

#[test]
fn cycle_is_found_and_chain_is_not() {
    let mut edges = Edges::new();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")] {
        let targets = edges.entry(from.to_owned()).or_default();
        targets.entry(to.to_owned()).or_default();
    }
    let expected = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
    assert_eq!(cycles(&edges), [expected]);
}
