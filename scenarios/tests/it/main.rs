//! What the crate promises to those who use it.

mod balancing;
mod broken;
mod brokers;
mod catalogue;
mod descriptions;
mod fuzz;
mod metrics;
mod overrides;
mod publish;
mod reference;
mod segments;
mod settings;
mod targets;
mod timeline;

use highwater_scenarios::{Plan, parse};

/// The smallest scenario; further text is put behind it.
const BASE: &str = r#"name = "base"
duration = "60s"
[cluster]
nodes = 2
[[devices]]
name = "home"
count = 100
ramp = "50/s"
"#;

/// The plan of `BASE` and more text.
fn plan_of(more: &str) -> Plan {
    parse("base.toml", &format!("{BASE}{more}"), &[])
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// What a person sees for a scenario that is refused.
fn diagnostics_of(text: &str) -> String {
    parse("broken.toml", text, &[])
        .expect_err("refused")
        .to_string()
}

/// What a person sees for `BASE` and more text.
fn diagnostics_with(more: &str) -> String {
    diagnostics_of(&format!("{BASE}{more}"))
}
