//! `cargo xtask fuzz`: each parser of untrusted bytes, by libFuzzer. See
//! docs/conformance.md.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The fuzz crate.
const CRATE: &str = "fuzz";
/// What each target said, by its name.
const LOGS: &str = "target/fuzz";
/// Most memory of a target in MiB: what a parser takes must follow from its input.
const MEMORY_MIB: u32 = 1024;
/// Longest that one input may take, in seconds.
const INPUT_SECONDS: u32 = 10;
/// Longest input in bytes.
const INPUT_BYTES: u32 = 16 * 1024;
/// What libFuzzer calls the number of executions.
const EXECUTIONS: &str = "stat::number_of_executed_units:";

/// Runs one target or all, each for so many seconds; fails at the first finding.
pub(crate) fn run(target: Option<&str>, seconds: u32) -> Result<()> {
    let targets = targets()?;
    let chosen: Vec<_> = match target {
        None => targets,
        Some(name) if targets.iter().any(|target| target == name) => vec![name.to_owned()],
        Some(name) => bail!("no target {name:?}; there are {}", targets.join(", ")),
    };
    fs::create_dir_all(LOGS)?;
    for target in chosen {
        let executions = fuzz(&target, seconds)?;
        eprintln!("{target:18} {executions} executions in {seconds} s, no finding");
    }
    Ok(())
}

/// One file each.
fn targets() -> Result<Vec<String>> {
    let folder = Path::new(CRATE).join("fuzz_targets");
    let files = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        names.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

fn fuzz(target: &str, seconds: u32) -> Result<u64> {
    let corpus = Path::new(CRATE).join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let log = PathBuf::from(LOGS).join(format!("{target}.log"));
    let output = File::create(&log).with_context(|| log.display().to_string())?;
    let status = Command::new("cargo")
        // The toolchain that runs this task is not the one that fuzzes.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .args(["+nightly", "fuzz", "run", "--fuzz-dir", CRATE])
        // Nothing here is unsafe, and memory has a limit: an address sanitizer would
        // make each execution slower and find nothing of ours.
        .args(["--sanitizer", "none", target])
        .arg(corpus)
        .arg(Path::new(CRATE).join("seeds").join(target))
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
    let said = fs::read_to_string(&log)?;
    if !status.success() {
        let lines: Vec<_> = said.lines().collect();
        let tail = lines[lines.len().saturating_sub(30)..].join("\n");
        bail!(
            "{target}: {status}; all of it in {}\n{tail}\n\
             hint: it needs `cargo install cargo-fuzz` and a nightly toolchain",
            log.display()
        );
    }
    executions(&said).with_context(|| format!("{} has no number of executions", log.display()))
}

fn executions(said: &str) -> Option<u64> {
    let mut numbers = said
        .lines()
        .filter_map(|line| line.strip_prefix(EXECUTIONS));
    numbers.next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_at_the_end() {
        let said = "Done 2097152 runs in 11 second(s)\n\
                    stat::number_of_executed_units: 2097152\n\
                    stat::average_exec_per_sec:     190650\n";
        assert_eq!(executions(said), Some(2_097_152));
        assert_eq!(executions("error: no such target"), None);
    }
}
