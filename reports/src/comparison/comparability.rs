//! The differences between runs, and whether they may be compared.

use highwater_types::format;

use super::{
    run::ComparedRun,
    settings::{SettingDifference, Settings, setting_differences},
};
use crate::{
    RunRecord,
    record::{HostInfo, Manifest, RunEnd},
    summary::Verdict,
    text::verdict_reason,
};

/// The differences between several runs.
pub(super) struct Comparability {
    /// Settings that differ, in the order of their paths.
    pub(super) differing: Vec<SettingDifference>,
    /// Reasons not to compare the runs, in words; empty if they are comparable.
    pub(super) objections: Vec<String>,
    /// Cautions for the reader of a comparison, in words.
    pub(super) cautions: Vec<String>,
}

impl Comparability {
    pub(super) fn of(runs: &[ComparedRun]) -> Self {
        let settings: Vec<Settings> = runs.iter().map(|run| Settings::of(&run.manifest)).collect();
        let differing = setting_differences(&settings.iter().collect::<Vec<_>>());
        let mut objections: Vec<String> = too_many_differences(&differing).into_iter().collect();
        objections.extend(machine_differences(runs));
        objections.extend(runs.iter().filter_map(incomplete_run));
        let mut cautions: Vec<String> = runs.iter().filter_map(doubtful_run).collect();
        // Comparing two versions is a usual reason to compare, so this is only a caution.
        cautions.extend(version_differences(runs));
        Self {
            differing,
            objections,
            cautions,
        }
    }
}

/// Describes everything in which the other run differs from the first.
pub(super) fn differences(first: &RunRecord, other: &RunRecord) -> Vec<String> {
    let settings = [first, other].map(|record| Settings::of(&record.manifest));
    let mut differences: Vec<String> = setting_differences(&[&settings[0], &settings[1]])
        .iter()
        .map(SettingDifference::describe)
        .collect();
    if first.manifest.host != other.manifest.host {
        differences.push("the machines differ".to_owned());
    }
    for record in [first, other] {
        if record.ended() != RunEnd::Completed {
            let started = record.manifest.started_at.format("%Y-%m-%d %H:%M:%S");
            let name = &record.manifest.plan.name;
            differences.push(format!(
                "the run of {name} from {started} was not completed"
            ));
        }
    }
    differences
}

/// Returns an objection when more than one thing differs. All settings of the balancers count
/// as one thing.
fn too_many_differences(differing: &[SettingDifference]) -> Option<String> {
    let (balancing, others): (Vec<_>, Vec<_>) = differing
        .iter()
        .partition(|differing| differing.is_balancing());
    // A balancer and its policy are one experiment; two other settings are two.
    let things = others.len() + usize::from(!balancing.is_empty());
    (things > 1).then(|| {
        let all: Vec<String> = balancing
            .into_iter()
            .chain(others)
            .map(SettingDifference::describe)
            .collect();
        format!(
            "they differ in {}, so the effect of each is not known; \
             vary one setting, or only those of the balancers",
            all.join("; ")
        )
    })
}

fn machine_differences(runs: &[ComparedRun]) -> Option<String> {
    let first = &runs.first()?.manifest.host;
    // One example is enough to refuse the comparison.
    let other = runs.iter().find(|run| run.manifest.host != *first)?;
    let [first, second] = [first, &other.manifest.host].map(machine_properties);
    let unlike = first
        .iter()
        .zip(second)
        .filter(|(first, other)| *first != other);
    let unlike: Vec<String> = unlike
        .map(|((name, first), (_, other))| format!("{name} is {first} and {other}"))
        .collect();
    Some(format!(
        "{} and {} ran on different machines: {}",
        runs[0].name,
        other.name,
        unlike.join(", ")
    ))
}

/// Returns the properties of a machine, in words.
fn machine_properties(host: &HostInfo) -> [(&'static str, String); 5] {
    let number = |value: Option<u64>| value.map_or_else(unknown, format::count);
    let text = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
    [
        ("the number of CPU cores", number(host.cpus.map(u64::from))),
        ("the CPU model", text(&host.cpu_model)),
        ("the memory in bytes", number(host.memory_bytes)),
        ("the operating system", text(&host.os)),
        ("the limit of open files", number(host.open_files_limit)),
    ]
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn incomplete_run(run: &ComparedRun) -> Option<String> {
    let how = match run.ended {
        RunEnd::Completed => return None,
        RunEnd::Interrupted => "was interrupted",
        RunEnd::Aborted => "was aborted",
        RunEnd::Truncated => "is truncated: the harness was killed",
        RunEnd::Running => "is still running",
    };
    Some(format!("{} {how}", run.name))
}

fn doubtful_run(run: &ComparedRun) -> Option<String> {
    if run.summary.verdict == Verdict::Inconclusive {
        let reason = verdict_reason(&run.summary);
        return Some(format!("{} is inconclusive: {reason}", run.name));
    }
    match run.summary.problems.as_slice() {
        [] => None,
        [only] => Some(format!("{}: {only}", run.name)),
        // A long list of problems would hide the comparison.
        [first, rest @ ..] => Some(format!(
            "{}: {first}; its report has {} more",
            run.name,
            rest.len()
        )),
    }
}

/// Describes programs whose versions differ between runs.
fn version_differences(runs: &[ComparedRun]) -> Vec<String> {
    let mut found = Vec::new();
    let Some(first) = runs.first() else {
        return found;
    };
    for (program, version) in &first.manifest.versions {
        let other = runs.iter().find_map(|run| {
            let other = other_version(&run.manifest, program, version)?;
            Some((&run.name, other))
        });
        if let Some((name, other)) = other {
            found.push(format!(
                "{program} is {version} in {} and {other} in {name}",
                first.name
            ));
        }
    }
    found
}

fn other_version<'m>(manifest: &'m Manifest, program: &str, version: &str) -> Option<&'m str> {
    let other = manifest.versions.get(program)?;
    (other != version).then_some(other.as_str())
}
