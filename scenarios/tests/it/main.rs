//! Tests of the crate from outside: files and `--set` arguments in, plans and texts out.

mod balancing;
mod broken;
mod brokers;
mod catalogue;
mod descriptions;
mod frames;
mod fuzz;
mod logins;
mod messages;
mod metrics;
mod overrides;
mod publish;
mod reference;
mod segments;
mod settings;
mod stomp;
mod targets;
mod timeline;

use highwater_scenarios::{Plan, parse};

/// The smallest scenario; tests append further text.
const BASE: &str = r#"name = "base"
duration = "60s"
[cluster]
nodes = 2
[[devices]]
name = "home"
count = 100
ramp = "50/s"
"#;

/// Returns the plan of `BASE` and more text.
fn plan_of(more: &str) -> Plan {
    parse("base.toml", &format!("{BASE}{more}"), &[])
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// Returns the text that a person sees for an invalid scenario.
fn diagnostics_of(text: &str) -> String {
    parse("broken.toml", text, &[])
        .expect_err("an invalid scenario")
        .to_string()
}

/// Returns the text that a person sees for an invalid scenario of `BASE` and more text.
fn diagnostics_with(more: &str) -> String {
    diagnostics_of(&format!("{BASE}{more}"))
}
