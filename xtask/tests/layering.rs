//! Crates depend on each other only as docs/ARCHITECTURE.md says, and each
//! outside crate that belongs to one place stays there.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Normal dependencies within the workspace, from the top down.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "highwater",
        &[
            "highwater-loadgen",
            "highwater-reports",
            "highwater-scenarios",
            "highwater-server",
            "highwater-types",
        ],
    ),
    (
        "highwater-loadgen",
        &[
            "highwater-nats",
            "highwater-process",
            "highwater-pubsub",
            "highwater-reports",
            "highwater-scenarios",
            "highwater-stomp",
            "highwater-types",
        ],
    ),
    (
        "highwater-reports",
        &["highwater-scenarios", "highwater-types"],
    ),
    ("highwater-scenarios", &["highwater-types"]),
    (
        "highwater-server",
        &[
            "highwater-nats",
            "highwater-pubsub",
            "highwater-stomp",
            "highwater-types",
        ],
    ),
    ("xtask", &["highwater-process", "highwater-services"]),
    ("highwater-services", &["highwater-process"]),
    ("highwater-nats", &["highwater-types"]),
    ("highwater-process", &[]),
    ("highwater-pubsub", &["highwater-types"]),
    ("highwater-stomp", &[]),
    ("highwater-types", &[]),
];

/// Outside crates that only one crate of the workspace may use.
const PLACES: &[(&str, &str)] = &[
    ("goose", "highwater-loadgen"),
    ("plotters", "highwater-reports"),
    ("axum", "highwater-server"),
    ("clap", "highwater"),
];

fn packages() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata");
    metadata.packages
}

fn normal_dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn crates_depend_only_downwards() {
    let packages = packages();
    let names: BTreeSet<_> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let found: BTreeMap<_, _> = packages
        .iter()
        .map(|package| {
            let inside = normal_dependencies(package)
                .intersection(&names)
                .copied()
                .collect();
            (package.name.as_str(), inside)
        })
        .collect();
    let expected: BTreeMap<_, BTreeSet<_>> = LAYERS
        .iter()
        .map(|(name, below)| (*name, below.iter().copied().collect()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn outside_crates_stay_in_their_place() {
    for package in packages() {
        // xtask has a command line of its own, for which it uses clap.
        if package.name.as_str() == "xtask" {
            continue;
        }
        for (outside, place) in PLACES {
            let uses = normal_dependencies(&package).contains(outside);
            assert!(
                !uses || package.name.as_str() == *place,
                "{} uses {outside}, which belongs to {place}",
                package.name
            );
        }
    }
}
