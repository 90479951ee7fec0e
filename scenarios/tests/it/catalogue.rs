//! Every scenario of the catalogue is valid, also with a shorter ramp and duration.

use std::path::{Path, PathBuf};

use highwater_scenarios::{HostResources, Plan, describe, load};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn catalogue() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the crate has a folder")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .filter(|path| !path.ends_with("Cargo.toml"))
        .collect();
    files.sort();
    files
}

fn plan(name: &str, sets: &[&str]) -> Plan {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    load(&folder().join(name), &sets).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn file_is_valid_and_named_after_itself() {
    let files = catalogue();
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        let plan = load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            Some(plan.name.as_str()),
            file.file_stem().and_then(|name| name.to_str())
        );
        assert!(
            !plan.description.is_empty(),
            "{} has no description",
            plan.name
        );
        assert!(!plan.gates.is_empty(), "{} has no gates", plan.name);
    }
}

#[test]
fn plan_survives_the_manifest() {
    for file in catalogue() {
        let plan = load(&file, &[]).unwrap();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    }
}

#[test]
fn descriptions_fit_a_terminal() {
    for file in catalogue() {
        let page = describe(
            &load(&file, &[]).unwrap(),
            &HostResources {
                files_per_process: 20_000,
                memory: None,
            },
        );
        assert!(
            page.lines().all(|line| line.chars().count() <= 80),
            "{page}"
        );
    }
}

#[test]
fn run_with_a_fast_ramp_takes_a_minute() {
    for name in ["idle-5k.toml", "idle-10k.toml", "commands-5k.toml"] {
        let plan = plan(name, &["devices.home.ramp=1000/s", "duration=45s"]);
        let seconds = (plan.planned_ramp() + plan.duration).as_secs();
        assert!((45..=60).contains(&seconds), "{name}: {seconds} s");
    }
}

#[test]
fn numbers_of_the_article_are_kept() {
    for (name, sockets, nodes_users) in [
        ("idle-5k.toml", 5_000, 0),
        ("idle-10k.toml", 10_000, 0),
        ("commands-5k.toml", 5_000, 5_000),
    ] {
        let plan = plan(name, &[]);
        assert_eq!(
            (plan.sockets(), plan.users()),
            (sockets, nodes_users),
            "{name}"
        );
        assert_eq!(plan.devices[0].ramp.as_per_second(), 20.0);
        assert_eq!(plan.devices[0].heartbeat.as_secs(), 20);
    }
}

#[test]
fn missing_file_is_named() {
    let error = load(Path::new("no/such/scenario.toml"), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read the scenario no/such/scenario.toml: "),
        "{error}"
    );
}
