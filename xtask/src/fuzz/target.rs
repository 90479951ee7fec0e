//! One fuzz target.

use std::{
    fmt,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::steps::step;

/// The fuzz crate.
const CRATE: &str = "fuzz";
/// The directory of the targets' logs, one file for each name.
const LOGS: &str = "target/fuzz";
/// Most memory of a target in MiB. A parser's memory must follow from the size of its
/// input.
const MEMORY_MIB: u32 = 1024;
/// Longest time for one input, in seconds.
const INPUT_SECONDS: u32 = 10;
/// Longest input in bytes.
const INPUT_BYTES: u32 = 16 * 1024;
/// libFuzzer's label of the number of executions.
const EXECUTIONS: &str = "stat::number_of_executed_units:";
/// Lines at the end of the output that show the finding.
const TAIL_LINES: usize = 30;

/// A file in the crate's `fuzz_targets`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FuzzTarget(String);

/// Returns the targets of these names; without any, all.
pub(super) fn select_targets(names: &[String]) -> Result<Vec<FuzzTarget>> {
    let all = all(Path::new(CRATE))?;
    if names.is_empty() {
        return Ok(all);
    }
    let known = |name: &String| all.iter().any(|target| target.0 == *name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<_> = all.into_iter().map(|target| target.0).collect();
        bail!("no target {unknown:?}; there are {}", all.join(", "));
    }
    let chosen = |target: &FuzzTarget| names.contains(&target.0);
    Ok(all.into_iter().filter(chosen).collect())
}

/// Builds them before their time begins.
pub(super) fn build(targets: &[FuzzTarget]) -> Result<()> {
    for target in targets {
        let mut build = cargo_fuzz("build");
        build.arg(&target.0);
        step(&format!("build of {target}"), &mut build)
            .context("it needs `cargo install cargo-fuzz` and a nightly toolchain")?;
    }
    Ok(())
}

impl FuzzTarget {
    /// Runs it for so many seconds, and returns the number of executions. A finding is an
    /// error.
    pub(super) fn run(&self, seconds: u32) -> Result<u64> {
        let corpus = Path::new(CRATE).join("corpus").join(&self.0);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(LOGS)?;
        let log = PathBuf::from(LOGS).join(format!("{self}.log"));
        let output = File::create(&log).with_context(|| log.display().to_string())?;
        let status = cargo_fuzz("run")
            .arg(&self.0)
            .arg(corpus)
            .arg(Path::new(CRATE).join("seeds").join(&self.0))
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-max_len={INPUT_BYTES}"))
            .arg("-print_final_stats=1")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .status()
            .context("cannot start cargo")?;
        // A finding may be any bytes.
        let printed = fs::read(&log).with_context(|| log.display().to_string())?;
        let printed = String::from_utf8_lossy(&printed);
        if !status.success() {
            let log = log.display();
            bail!("{status}; all of it in {log}\n{}", tail(&printed));
        }
        executions(&printed)
            .with_context(|| format!("{} has no number of executions", log.display()))
    }
}

impl fmt::Display for FuzzTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Returns all targets of a fuzz crate, by name.
fn all(fuzz: &Path) -> Result<Vec<FuzzTarget>> {
    let folder = fuzz.join("fuzz_targets");
    let files = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut targets = Vec::new();
    for file in files {
        let path = file?.path();
        let name = path.file_stem().unwrap_or_default();
        targets.push(FuzzTarget(name.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}

fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    command
        // The toolchain that runs this task is not the one that fuzzes.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .args(["+nightly", "fuzz", subcommand, "--fuzz-dir", CRATE])
        // Nothing here is unsafe, and memory has a limit: an address sanitizer would
        // make each execution slower and find nothing of ours.
        .args(["--sanitizer", "none"]);
    command
}

fn tail(printed: &str) -> String {
    let lines: Vec<_> = printed.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn executions(printed: &str) -> Option<u64> {
    let mut lines = printed.lines();
    let number = lines.find_map(|line| line.strip_prefix(EXECUTIONS))?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read_from_the_final_statistics() {
        let printed = "Done 2097152 runs in 11 second(s)\n\
                    stat::number_of_executed_units: 2097152\n\
                    stat::average_exec_per_sec:     190650\n";
        assert_eq!(executions(printed), Some(2_097_152));
        assert_eq!(executions("error: no such target"), None);
    }

    /// A target that misses one of these is not fuzzed, not replayed or not documented.
    #[test]
    fn targets_are_built_seeded_replayed_and_described() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let manifest = read("fuzz/Cargo.toml");
        let described = read("docs/conformance.md");
        let crates = ["common/stomp", "loadgen", "reports", "scenarios", "server"];
        let replayed: String = crates
            .map(|name| read(&format!("{name}/tests/it/fuzz.rs")))
            .concat();
        let targets = all(&root.join("fuzz")).unwrap();
        assert!(!targets.is_empty());
        for FuzzTarget(name) in targets {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(described.contains(&format!("| `{name}` |")), "{name}");
            assert!(replayed.contains(&name), "{name}");
            let seeds = root.join("fuzz/seeds").join(&name);
            assert!(fs::read_dir(&seeds).unwrap().next().is_some(), "{name}");
        }
    }
}
