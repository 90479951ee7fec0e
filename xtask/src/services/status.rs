//! `services status`.

use anyhow::{Result, bail};
use highwater_services::ServiceKind;

use super::state::{ServiceEntry, ServicesState, now};

/// Shows what `up` started; an error if something does not answer.
pub(super) fn run() -> Result<()> {
    match ServicesState::read()? {
        Some(state) => show(&state),
        None => {
            eprintln!("no services are up; hint: `cargo xtask services up`");
            Ok(())
        }
    }
}

/// A paragraph for each service.
pub(super) fn show(state: &ServicesState) -> Result<()> {
    let mut silent = Vec::new();
    for entry in &state.services {
        let answers = entry
            .name
            .parse::<ServiceKind>()
            .is_ok_and(|kind| kind.is_ready_at(&entry.url));
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

fn paragraph(entry: &ServiceEntry, answers: bool, now: u64) -> String {
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
