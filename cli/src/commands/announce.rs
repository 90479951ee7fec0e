//! A summary of a run in two lines, printed before the run starts.

use std::path::Path;

use highwater_scenarios::{
    Plan,
    plan::{LoadModel, SystemSpec},
    secrets::mask_address,
};
use highwater_types::{
    Rate,
    format::{count, duration, plural, significant},
};

/// Returns a line with the load and the system, and one with the phases and the record.
pub(crate) fn announcement(plan: &Plan, out: &Path) -> String {
    let load = [
        Some(plural(plan.sockets(), "socket")),
        users(plan),
        rate("commands", commands(plan)),
        rate(
            "messages of devices",
            plan.messages
                .iter()
                .filter_map(|load| open_rate(&load.model)),
        ),
        rate("messages", plan.publish.iter().map(|load| load.rate)),
        rate(
            "telemetry records",
            plan.telemetry.iter().map(|load| load.rate),
        ),
    ];
    let load: Vec<String> = load.into_iter().flatten().collect();
    format!(
        "{}: {} on {}\nramp {}, steady {}, drain; record in {}",
        plan.name,
        load.join(", "),
        system(plan),
        duration(plan.planned_ramp()),
        duration(plan.duration),
        out.display(),
    )
}

fn users(plan: &Plan) -> Option<String> {
    let users = plan.users() + plan.message_users();
    (users > 0).then(|| plural(users, "user"))
}

/// Yields the rates of the commands under the open model.
fn commands(plan: &Plan) -> impl Iterator<Item = Rate> {
    plan.commands
        .iter()
        .filter_map(|load| open_rate(&load.model))
}

/// Returns the rate of the open model.
fn open_rate(model: &LoadModel) -> Option<Rate> {
    match *model {
        LoadModel::Open { rate, .. } => Some(rate),
        // A closed model has no rate of its own: its users wait for answers.
        LoadModel::Closed { .. } => None,
    }
}

/// Returns the sum of the rates of one kind of traffic.
fn rate(noun: &str, rates: impl Iterator<Item = Rate>) -> Option<String> {
    let rate: f64 = rates.map(Rate::as_per_second).sum();
    (rate > 0.0).then(|| format!("{} {noun}/s", significant(rate)))
}

fn system(plan: &Plan) -> String {
    match &plan.system {
        SystemSpec::Cluster(cluster) => plural(cluster.nodes.into(), "node"),
        SystemSpec::Target(target) => match target.ws.as_slice() {
            [only] => mask_address(only),
            several => format!("{} addresses", count(several.len() as u64)),
        },
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(name: &str, expected: &Expect) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/");
        let path = Path::new(file).join(name).with_extension("toml");
        let plan = highwater_scenarios::load(&path, &[]).unwrap();
        expected.assert_eq(&announcement(&plan, Path::new("runs/one")));
    }

    #[test]
    fn announcement_states_load_system_and_phases() {
        check(
            "node-kill",
            &expect![[r#"
                node-kill: 1,000 sockets, 100 commands/s on 2 nodes
                ramp 5s, steady 2m, drain; record in runs/one"#]],
        );
        check(
            "smoke",
            &expect![[r#"
                smoke: 300 sockets, 50 users, 50 commands/s on 2 nodes
                ramp 3s, steady 45s, drain; record in runs/one"#]],
        );
        check(
            "fan-out",
            &expect![[r#"
                fan-out: 5,000 sockets, 5 messages/s on 2 nodes
                ramp 20s, steady 2m, drain; record in runs/one"#]],
        );
        check(
            "telemetry",
            &expect![[r#"
                telemetry: 1,000 sockets, 1,000 telemetry records/s on 2 nodes
                ramp 5s, steady 1m 40s, drain; record in runs/one"#]],
        );
    }
}
