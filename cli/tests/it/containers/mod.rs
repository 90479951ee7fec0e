//! The cluster of docker-compose.yml and a run against it, in real containers.
//!
//! - [`project`]: the containers, removed with their test.

mod project;

use highwater_reports::summary::Summary;

use self::project::{Ended, Project, docker};
use crate::harness::CliRun;

/// Exit code of a run in which a gate failed.
const GATE_FAILED: i32 = 3;
/// Exit code of a run in which the harness was the limit, or a measurement is missing.
const INCONCLUSIVE: i32 = 4;

/// The devices of the scenario.
const DEVICES: u64 = 300;

#[test]
fn report_on_the_host_tells_what_happened_to_the_containers() {
    let Some(project) = Project::new() else {
        return;
    };
    whole_cluster_passes_with_three_workers(&project);
    container_is_observed_from_the_machine(&project);
    node_that_is_cut_off_misses_heartbeats_and_comes_back(&project);
    killed_node_loses_its_sockets_and_is_not_measured(&project);
}

/// Whether the harness was late, as on a machine that is busy with other things.
fn was_late(summary: &Summary) -> bool {
    let words = ["send lag", "stalled", "silent"];
    let mut problems = summary.problems.iter();
    problems.any(|problem| words.iter().any(|word| problem.contains(word)))
}

/// Asserts the exit code of a verdict, and that all devices are connected at the end. A harness
/// that was late may be the limit of both.
fn assert_ended(ended: &Ended, expected: &[i32]) {
    let code = ended.code.expect("an exit code");
    let (is_late, log) = (was_late(&ended.summary), &ended.log);
    assert!(
        expected.contains(&code) || (is_late && code == INCONCLUSIVE),
        "{code}: {log}"
    );
    let open = ended.summary.sockets.open_at_end;
    assert!(open == Some(DEVICES) || is_late, "{open:?}: {log}");
}

/// Returns how often the clients counted a kind of failure.
fn failures(summary: &Summary, kind: &str) -> u64 {
    let mut failures = summary.failures.iter();
    let counted = failures.find(|failure| failure.kind == kind);
    counted.map_or(0, |failure| failure.count)
}

fn whole_cluster_passes_with_three_workers(project: &Project) {
    let ended = project.run(
        "whole",
        &[
            ("HIGHWATER_WORKERS", "3"),
            ("HIGHWATER_ARGS", "--set duration=5s"),
        ],
    );
    assert_ended(&ended, &[0]);
    let summary = &ended.summary;
    assert_eq!(summary.workers.len(), 3, "{}", ended.log);
    let peaks = summary
        .nodes
        .iter()
        .map(|node| (&*node.id, node.sockets_peak));
    let halves = Some(DEVICES / 2);
    assert_eq!(peaks.collect::<Vec<_>>(), [("n1", halves), ("n2", halves)]);
}

/// The coordinator is outside of the containers here, and reads the group of one.
fn container_is_observed_from_the_machine(project: &Project) {
    let address = docker(&["port", &project.container("haproxy"), "8080"]);
    let run = CliRun::run_to_end(&format!(
        r#"
        name = "observed"
        duration = "3s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        observe = [{{ name = "n1", container = "{}" }}]
        [[devices]]
        name = "home"
        count = 20
        ramp = "20/s"
        heartbeat = "1s"
        "#,
        project.container("n1")
    ));
    let summary = run.summary();
    let node = &summary.nodes[0];
    assert!(
        node.rss_peak > Some(0) && node.cpu_s > Some(0.0),
        "{node:?}"
    );
    let group = node.cgroup.as_ref().expect("a control group");
    assert!(group.memory_peak >= group.anon_peak, "{group:?}");
    assert!(
        group.anon_peak > Some(0) && group.pids_peak > Some(0),
        "{group:?}"
    );
}

fn node_that_is_cut_off_misses_heartbeats_and_comes_back(project: &Project) {
    let args = [("HIGHWATER_ARGS", "--set duration=20s")];
    project.start("cut", 2.0, &args);
    let node = project.container("n2");
    docker(&["network", "disconnect", &project.network(), &node]);
    project.wait_for_steady("cut", 9.0);
    docker(&[
        "network",
        "connect",
        "--alias",
        "n2",
        &project.network(),
        &node,
    ]);
    let ended = project.finish("cut");
    // Devices of the silent node missed heartbeats, which a gate forbids.
    assert_ended(&ended, &[GATE_FAILED]);
    let summary = &ended.summary;
    let missed = summary.heartbeats.missed;
    // `max_missed` of the scenario is 2.
    assert!(missed >= DEVICES, "{missed}: {}", ended.log);
    let given_up = failures(summary, "disconnect.gave_up");
    assert!(given_up >= DEVICES / 2, "{given_up}: {}", ended.log);
    // It is the same process as before.
    let node = summary.nodes.iter().find(|node| node.id == "n2").unwrap();
    assert_eq!(node.restarts, Some(0), "{node:?}");
}

fn killed_node_loses_its_sockets_and_is_not_measured(project: &Project) {
    let args = [("HIGHWATER_ARGS", "--set duration=10s")];
    project.start("killed", 2.0, &args);
    docker(&["kill", &project.container("n2")]);
    let ended = project.finish("killed");
    let summary = &ended.summary;
    let reset = failures(summary, "disconnect.reset");
    assert!(reset >= DEVICES / 2, "{reset}: {}", ended.log);
    let missing = "the observed process n2 was not found at http://n2:8080/metrics";
    let mut problems = summary.problems.iter();
    assert!(
        problems.any(|problem| problem.contains(missing)),
        "{}",
        ended.log
    );
    // A heartbeat on its way to the node may count as missed, which a gate forbids.
    assert_ended(&ended, &[GATE_FAILED, INCONCLUSIVE]);
}
