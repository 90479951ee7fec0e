//! Control groups and containers of this machine.

use super::{FixedForm, text::checked_text};
use crate::diagnostic::Diagnostic;

/// Accepts the path of a control group.
pub(crate) const fn cgroup_path() -> FixedForm<String> {
    FixedForm {
        expected: || {
            "the path of a control group below /sys/fs/cgroup, such as \
             \"system.slice/app.service\", or an absolute path"
                .to_owned()
        },
        read: |item| checked_text(item, check_cgroup_path),
    }
}

/// Accepts the name or the id of a container.
pub(crate) const fn container_name() -> FixedForm<String> {
    FixedForm {
        expected: || {
            "a container's name or id: up to 128 letters, digits, `_`, `.` and `-` after a letter \
             or digit"
                .to_owned()
        },
        read: |item| checked_text(item, check_container_name),
    }
}

fn check_cgroup_path(path: &str) -> Result<(), Diagnostic> {
    if path.len() > 1_000 {
        return Err(Diagnostic::new("a path that is too long"));
    }
    if let Some(c) = path.chars().find(|c| c.is_control()) {
        let message = format!("a path with `{}` in it", c.escape_debug());
        return Err(Diagnostic::new(message));
    }
    let below = path.strip_prefix('/').unwrap_or(path);
    // `..` would lead out of the tree of groups.
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    match below.trim_end_matches('/').split('/').all(is_plain) {
        true => Ok(()),
        false => Err(Diagnostic::new("a path with an empty, `.` or `..` part")),
    }
}

/// Checks the form that the engine gives names; it also keeps the path of the request whole.
fn check_container_name(name: &str) -> Result<(), Diagnostic> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 128
        && name.chars().all(allowed);
    match is_name {
        true => Ok(()),
        false => Err(Diagnostic::new("not a container's name")),
    }
}
