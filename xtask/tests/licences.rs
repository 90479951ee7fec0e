//! Every crate that the workspace is built from has a licence that deny.toml allows.

use std::{collections::BTreeSet, fs};

use cargo_metadata::{CargoOpt, MetadataCommand};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The words of an SPDX expression that are not read yet.
struct Words<'e> {
    rest: Vec<&'e str>,
    allowed: &'e BTreeSet<String>,
}

impl Words<'_> {
    /// Whether one of several expressions is allowed.
    fn is_one_allowed(&mut self) -> bool {
        let mut is_allowed = self.are_all_allowed();
        while self.take("OR") {
            is_allowed |= self.are_all_allowed();
        }
        is_allowed
    }

    fn are_all_allowed(&mut self) -> bool {
        let mut are_allowed = self.is_allowed();
        while self.take("AND") {
            are_allowed &= self.is_allowed();
        }
        are_allowed
    }

    /// Whether a licence, with its exception, or an expression in brackets is allowed.
    fn is_allowed(&mut self) -> bool {
        if self.take("(") {
            let is_allowed = self.is_one_allowed();
            assert!(self.take(")"), "{:?}", self.rest);
            return is_allowed;
        }
        let mut licence = self.rest.remove(0).to_owned();
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.rest.remove(0));
        }
        self.allowed.contains(&licence)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.rest.first() == Some(&word);
        if is_next {
            self.rest.remove(0);
        }
        is_next
    }
}

fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // Older crates write a slash for OR.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let rest = spaced.split_whitespace().collect();
    Words { rest, allowed }.is_one_allowed()
}

/// Returns the licences that deny.toml allows.
fn allowed() -> BTreeSet<String> {
    let text = fs::read_to_string(format!("{ROOT}/deny.toml")).expect("deny.toml");
    let (_, list) = text.split_once("\nallow = [").expect("a list of licences");
    let (list, _) = list.split_once(']').expect("the end of the list");
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn expression_is_allowed_by_one_choice_and_all_parts() {
    let allowed = ["MIT", "Apache-2.0 WITH LLVM-exception"]
        .map(str::to_owned)
        .into();
    let is = |expression| is_allowed(expression, &allowed);
    assert!(is("MIT") && is("GPL-3.0 OR MIT") && is("Apache-2.0/MIT"));
    assert!(is("(GPL-3.0 OR MIT) AND Apache-2.0 WITH LLVM-exception"));
    assert!(!is("MIT AND GPL-3.0") && !is("Apache-2.0") && !is("(MIT AND X) OR Y"));
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml"));
    command.features(CargoOpt::AllFeatures);
    let metadata = command
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap();
    let allowed = allowed();
    assert!(allowed.contains("MIT"), "{allowed:?}");
    let refused = metadata.packages.iter().filter_map(|package| {
        let licence = package.license.as_deref().unwrap_or("none");
        (!is_allowed(licence, &allowed)).then(|| format!("{}: {licence}", package.name))
    });
    assert_eq!(refused.collect::<Vec<_>>(), [""; 0]);
}
