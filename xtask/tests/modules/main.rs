//! The modules below one parent depend on each other without a cycle, at every depth.
//!
//! ```text
//! source files ──► Crate ──► dependencies ──► Edges of each parent ──► cycles
//! ```
//!
//! - [`source`]: reads the modules of a crate and resolves the paths that they name;
//! - [`cycles`]: finds the modules that depend on each other.

mod cycles;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{MetadataCommand, TargetKind};

use self::source::Crate;

/// The dependencies between the modules below one parent: from, to, and the modules that
/// cause the dependency.
type Edges = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[test]
fn modules_have_no_cycles() {
    let mut found = Vec::new();
    for (name, root) in roots() {
        let source = Crate::read(&root);
        for (parent, edges) in edges_by_parent(&source) {
            for cycle in cycles::cycles(&edges) {
                found.push(format!(
                    "{name}, below `{parent}`: {}",
                    describe(&cycle, &edges)
                ));
            }
        }
    }
    assert!(
        found.is_empty(),
        "modules that depend on each other:\n{}",
        found.join("\n")
    );
}

/// Returns the root file of each library and binary of the workspace, with its package.
fn roots() -> Vec<(String, std::path::PathBuf)> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let mut roots = Vec::new();
    for package in metadata.packages {
        for target in package.targets {
            if target.is_kind(TargetKind::Lib) || target.is_kind(TargetKind::Bin) {
                roots.push((package.name.to_string(), target.src_path.into()));
            }
        }
    }
    roots
}

/// Groups the dependencies by the deepest module that contains both ends.
fn edges_by_parent(source: &Crate) -> BTreeMap<String, Edges> {
    let mut grouped: BTreeMap<String, Edges> = BTreeMap::new();
    for (from, to) in source.dependencies() {
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let (Some(child), Some(other)) = (from.get(shared), to.get(shared)) else {
            // One end contains the other. A module and its children are one unit, because
            // a `mod.rs` re-exports its children and they use its types.
            continue;
        };
        let parent = ["crate".to_owned()]
            .into_iter()
            .chain(from[..shared].iter().cloned());
        grouped
            .entry(parent.collect::<Vec<_>>().join("::"))
            .or_default()
            .entry(child.clone())
            .or_default()
            .entry(other.clone())
            .or_default()
            .insert(from.join("::"));
    }
    grouped
}

/// Returns the modules of a cycle and the modules that cause each dependency.
fn describe(cycle: &BTreeSet<String>, edges: &Edges) -> String {
    let mut lines = vec![cycle.iter().cloned().collect::<Vec<_>>().join(", ")];
    for from in cycle {
        let targets = edges.get(from).into_iter().flatten();
        for (to, users) in targets.filter(|(to, _)| cycle.contains(*to)) {
            let users: Vec<_> = users.iter().map(String::as_str).collect();
            lines.push(format!("  {from} -> {to}, in {}", users.join(", ")));
        }
    }
    lines.join("\n")
}
