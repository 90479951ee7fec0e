//! Clusters over SNS and SQS: a run, and what killed nodes leave there.

use std::process::Command;

use highwater_reports::summary::Summary;
use highwater_services::{Service, ServiceKind};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::{
    harness::{
        CliRun,
        checks::{assert_commands_replied, assert_gates_hold},
        highwater,
    },
    server::ServerProcess,
};

const LEASE: [&str; 2] = ["--membership-lease", "2s"];

/// Asks the emulator, and returns its answer.
fn ask(emulator: &Service, body: &str, headers: &[&str]) -> String {
    let url = emulator.url();
    let (_, server) = url.rsplit_once('@').expect("a user");
    let answer = Command::new("curl")
        .args(["-sSf", &format!("http://{server}/"), "-d", body])
        .args(headers.iter().flat_map(|header| ["-H", *header]))
        .output()
        .expect("curl");
    String::from_utf8(answer.stdout).expect("text")
}

/// Returns the answer of DynamoDB to an action.
fn ask_dynamodb(emulator: &Service, action: &str, body: &str) -> Value {
    let target = format!("X-Amz-Target: DynamoDB_20120810.{action}");
    let headers = [&target, "Content-Type: application/x-amz-json-1.0"];
    serde_json::from_str(&ask(emulator, body, &headers)).expect("JSON")
}

/// Returns the names of the queues of all clusters.
fn queues(emulator: &Service) -> Vec<String> {
    let text = ask(emulator, "Action=ListQueues", &[]);
    let urls = text.split("<QueueUrl>").skip(1);
    let urls = urls.filter_map(|rest| rest.split_once("</QueueUrl>"));
    urls.map(|(url, _)| url.rsplit('/').next().expect("a name").to_owned())
        .collect()
}

fn join(emulator: &Service, cluster: &str, id: &str) -> ServerProcess {
    let url = emulator.url();
    let arguments = ["--backplane", &url, "--cluster", cluster];
    let mut node = ServerProcess::node_with(id, &[&arguments[..], &LEASE].concat());
    node.wait_until_logged("joined the backplane");
    node
}

#[test]
fn reaper_removes_queues_of_killed_processes_and_none_of_another_cluster() {
    let emulator = ServiceKind::Ministack.start().expect("the emulator");
    let neighbour = join(&emulator, "home-2", "n1");
    let nodes = ["n1", "n2", "n3"].map(|id| join(&emulator, "home", id));
    assert_eq!(queues(&emulator).len(), 4);
    for mut node in nodes {
        node.signal(Signal::SIGKILL);
        node.child.wait().expect("it ends");
    }
    assert_eq!(queues(&emulator).len(), 4);
    let url = emulator.url();
    let arguments = ["serve", "reaper", "--once", "--backplane", &url];
    let cleaned = highwater(&[&arguments[..], &["--cluster", "home"], &LEASE].concat());
    let cleaned = { cleaned }.output().expect("it runs");
    let printed = String::from_utf8_lossy(&cleaned.stdout);
    assert!(cleaned.status.success(), "{cleaned:?}");
    assert_eq!(
        printed,
        "removed 3 silent members and 3 inboxes, 0 of which never joined\n"
    );
    let left = queues(&emulator);
    assert!(
        matches!(&left[..], [queue] if queue.starts_with("highwater-home-2-")),
        "{left:?}"
    );
    drop(neighbour);
}

/// A cluster under commands, for a few seconds.
const STEADY: &str = r#"
        name = "joined"
        duration = "5s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 50
        ramp = "50/s"
        heartbeat = "2s"
        max_missed = 20
        [[commands]]
        name = "read"
        rate = "10/s"
        timeout = "10s"
        [[gates]]
        check = "sockets.open_at_end == 50"
        [[gates]]
        check = "commands.failed == 0"
        [[gates]]
        check = "commands.lost == 0"
        [[gates]]
        check = "commands.cross_node.count > 0"
        [[gates]]
        check = "backplane.billed_per_command > 0"
"#;

fn run(emulator: &Service) -> Summary {
    let backplane = format!("cluster.backplane={}", emulator.url());
    let run = CliRun::start_with(STEADY, &["--set", &backplane]).finish();
    let summary = run.summary();
    assert_gates_hold(&summary);
    assert_commands_replied(&summary);
    assert_eq!(queues(emulator), [""; 0], "nothing is left there");
    summary
}

#[test]
fn cluster_that_routes_through_a_stream_runs_clean() {
    let emulator = ServiceKind::MinistackStream.start().expect("the emulator");
    let summary = run(&emulator);
    assert!(summary.backplane.unwrap().sent_per_command.unwrap() > 0.0);
    let tables = ask_dynamodb(&emulator, "ListTables", "{}");
    let left = ["highwater-checkpoints", "highwater-membership"];
    assert_eq!(
        tables["TableNames"],
        json!(left),
        "they are of all clusters"
    );
    for table in left {
        let scan = json!({ "TableName": table }).to_string();
        let items = ask_dynamodb(&emulator, "Scan", &scan);
        assert_eq!(items["Count"], 0, "{table}: {items}");
    }
}

#[test]
fn cluster_over_sns_runs_clean_and_costs_what_its_requests_say() {
    let emulator = ServiceKind::Ministack.start().expect("the emulator");
    let summary = run(&emulator);
    let backplane = summary.backplane.as_ref().expect("nodes count requests");
    assert!(backplane.billed.unwrap() > 50, "{backplane:?}");
    let usd = backplane.estimated_usd_per_million_commands.unwrap();
    // No operation costs less than a hundred-millionth of a dollar, or more than a millionth.
    let per_command = backplane.billed_per_command.unwrap();
    assert!(
        (0.01 * per_command..per_command).contains(&usd),
        "{backplane:?}"
    );
    assert_eq!(backplane.estimated_usd_per_idle_node_hour, None);
}
