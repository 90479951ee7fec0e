//! The licences of the crates that the program is built from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::steps::cargo;

/// Beginnings of the names of files with a licence.
const FILES: [&str; 4] = ["LICENSE", "LICENCE", "COPYING", "NOTICE"];

/// The part of cargo's metadata that is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
    workspace_members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    manifest_path: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `dev` or `build`; none for a normal dependency.
    kind: Option<String>,
}

impl Metadata {
    fn read(features: &str) -> Result<Self> {
        let mut metadata =
            cargo("metadata --format-version 1 --locked --manifest-path cli/Cargo.toml");
        let output = metadata.args(["--features", features]).output()?;
        serde_json::from_slice(&output.stdout).context("cannot read cargo's metadata")
    }

    /// Returns the crates of others that the program is linked with.
    fn linked(&self) -> Vec<&Package> {
        let nodes: BTreeMap<_, _> = self
            .resolve
            .nodes
            .iter()
            .map(|node| (&*node.id, node))
            .collect();
        let program = self
            .packages
            .iter()
            .find(|package| package.name == "highwater");
        let mut open: Vec<&str> = program.iter().map(|package| &*package.id).collect();
        let mut found = BTreeSet::new();
        while let Some(id) = open.pop() {
            if found.insert(id) {
                let deps = nodes.get(id).into_iter().flat_map(|node| &node.deps);
                let normal =
                    deps.filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()));
                open.extend(normal.map(|dep| &*dep.pkg));
            }
        }
        let is_linked = |package: &&Package| {
            found.contains(&*package.id) && !self.workspace_members.contains(&package.id)
        };
        self.packages.iter().filter(is_linked).collect()
    }
}

/// Returns a text with each crate, its licence and the texts that come with it.
pub(super) fn licences(features: &str) -> Result<String> {
    let metadata = Metadata::read(features)?;
    // Most crates have the same few texts, each of which is written once.
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::from("Crates that highwater is built from\n\n");
    for package in metadata.linked() {
        let name = format!("{} {}", package.name, package.version);
        let licence = package.license.as_deref().unwrap_or("see its text below");
        let place = package.repository.as_deref().unwrap_or_default();
        list += format!("{name}: {licence}  {place}").trim_end();
        list += "\n";
        for text in licence_texts(package)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for (text, names) in texts {
        list += &format!("\n{}\n{}\n\n{text}\n", "-".repeat(78), names.join(", "));
    }
    Ok(list)
}

fn licence_texts(package: &Package) -> Result<Vec<String>> {
    let folder = Path::new(&package.manifest_path)
        .parent()
        .context("a folder")?;
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut texts = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        if path.is_file() && FILES.iter().any(|file| name.starts_with(file)) {
            let text = fs::read(&path)?;
            texts.push(String::from_utf8_lossy(&text).trim().replace("\r\n", "\n"));
        }
    }
    texts.sort();
    Ok(texts)
}
