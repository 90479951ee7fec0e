//! `services status`.

use anyhow::{Result, bail};
use highwater_services::Kind;

use super::state::{Entry, State, now};

/// Shows what `up` started; an error if something does not answer.
pub(super) fn run() -> Result<()> {
    match State::read()? {
        Some(state) => show(&state),
        None => {
            eprintln!("no services are up; hint: `cargo xtask services up`");
            Ok(())
        }
    }
}

/// A paragraph for each service.
pub(super) fn show(state: &State) -> Result<()> {
    let mut silent = Vec::new();
    for entry in &state.services {
        let answers = entry
            .name
            .parse::<Kind>()
            .is_ok_and(|kind| kind.answers(&entry.url));
        if !answers {
            silent.push(entry.name.as_str());
        }
        eprintln!("{}", paragraph(entry, answers, now()));
    }
    if silent.is_empty() {
        return Ok(());
    }
    bail!("no answer from: {}", silent.join(", "))
}

fn paragraph(entry: &Entry, answers: bool, now: u64) -> String {
    let pids: Vec<_> = entry
        .servers
        .iter()
        .map(|server| server.pid.to_string())
        .collect();
    let mut lines = vec![format!(
        "{:14} {}  pid {}  up {} s  {}",
        entry.name,
        entry.url,
        pids.join(" "),
        now.saturating_sub(entry.started_at),
        if answers {
            "answers"
        } else {
            "DOES NOT ANSWER"
        },
    )];
    let more = [("monitor", &entry.monitor), ("admin", &entry.admin)];
    for (what, url) in more {
        if let Some(url) = url {
            lines.push(format!("{:14} {what} {url}", ""));
        }
    }
    lines.push(format!("{:14} in {}", "", entry.directory.display()));
    lines.join("\n")
}
