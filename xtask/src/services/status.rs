//! `services status`.

use anyhow::{Result, bail};
use highwater_services::ServiceKind;

use super::state::{ServiceEntry, ServicesState, now};

/// Shows the services that `up` started. Returns an error if one does not answer.
pub(super) fn run() -> Result<()> {
    let Some(state) = ServicesState::read()? else {
        eprintln!("no services are up; hint: `cargo xtask services up`");
        return Ok(());
    };
    show(&state)
}

/// Prints a paragraph for each service.
pub(super) fn show(state: &ServicesState) -> Result<()> {
    let mut silent = Vec::new();
    for entry in &state.services {
        // Another version of xtask may have started a service that this one does not know.
        let kind = entry.name.parse::<ServiceKind>();
        let answers = kind.is_ok_and(|kind| kind.is_ready_at(&entry.url));
        if !answers {
            silent.push(entry.name.as_str());
        }
        print_entry(entry, answers);
    }
    if silent.is_empty() {
        return Ok(());
    }
    bail!("no answer from: {}", silent.join(", "))
}

fn print_entry(entry: &ServiceEntry, answers: bool) {
    let pids: Vec<_> = entry.servers.iter().map(|s| s.pid.to_string()).collect();
    // The clock may have been set back meanwhile.
    let seconds = now().saturating_sub(entry.started_at);
    let answer = if answers {
        "answers"
    } else {
        "DOES NOT ANSWER"
    };
    let (name, url, pids) = (&entry.name, &entry.url, pids.join(" "));
    eprintln!("{name:16} {url}  pid {pids}  up {seconds} s  {answer}");
    let monitor = entry.monitor.iter().map(|url| ("monitor", url));
    let admin = entry.admin.iter().map(|url| ("admin", url));
    let stomp = entry.stomp.iter().map(|url| ("STOMP", url));
    let web_stomp = entry.web_stomp.iter().map(|url| ("Web-STOMP", url));
    for (role, url) in monitor.chain(admin).chain(stomp).chain(web_stomp) {
        eprintln!("{:16} {role} {url}", "");
    }
    eprintln!("{:16} in {}", "", entry.directory.display());
}
