//! Processes that take part in a run, and processes that are refused.

use std::fs;

use highwater_services::NatsOptions;

use super::harness::BusTest;

#[test]
fn four_workers_put_on_the_whole_plan_each_its_share() {
    let test = BusTest::start("3s");
    let workers = test.workers(4);
    let coordinator = test.named_coordinator(4, &[]).finish();
    for worker in workers {
        let worker = worker.finish();
        assert_eq!(worker.code, Some(0), "{}", worker.text);
    }
    let summary = test.summary();
    assert!(
        coordinator.code == Some(0) || !summary.problems.is_empty(),
        "{}",
        coordinator.text
    );
    let sockets = &summary.sockets;
    assert_eq!(
        (sockets.requested, sockets.opened, sockets.open_at_end),
        (101, 101, Some(101))
    );
    let peaks: Vec<u64> = summary
        .workers
        .iter()
        .map(|worker| worker.sockets_peak)
        .collect();
    assert_eq!(peaks, [26, 25, 25, 25]);
    test.assert_each_second_once(4);
    // Each worker's clock was compared with the coordinator's.
    let intervals = fs::read_to_string(test.folder.path().join("run/intervals.jsonl")).unwrap();
    for id in ["w1", "w2", "w3", "w4"] {
        let source = format!("\"id\":\"{id}\"");
        let mut lines = intervals.lines().filter(|line| line.contains(&source));
        assert!(
            lines.any(|line| line.contains("clock.offset_us") && line.contains("clock.bound_us"))
        );
    }
    let compared = summary.workers.iter().all(|worker| {
        let bound = worker.clock_bound_ms;
        worker.clock_offset_ms.is_some() && bound.is_some_and(|bound| bound > 0.0)
    });
    assert!(compared, "{:?}", summary.workers);
    // Nothing is left on the bus, and nothing is left to be resumed.
    assert!(!test.folder.path().join("run/checkpoint.json").exists());
    let resumed = test.coordinator(4, &["--resume", "t"]).finish();
    assert_eq!(resumed.code, Some(5), "{}", resumed.text);
    assert!(
        resumed.text.contains("the bus has no run t"),
        "{}",
        resumed.text
    );
}

#[test]
fn one_name_is_one_run_and_a_share_has_one_worker() {
    let test = BusTest::start("30s");
    let workers = test.workers(2);
    let coordinator = test.named_coordinator(2, &[]);
    test.wait_for_phase("steady");
    let second = test.coordinator_at("other", 2, &["--run", "t"]).finish();
    assert_eq!(second.code, Some(5), "{}", second.text);
    assert!(
        second.text.contains("the bus has a run t already"),
        "{}",
        second.text
    );
    let late = test.worker_with(&["--index", "auto"]);
    let twin = test.worker(1);
    let stranger = test.worker(2).finish();
    let (late, twin) = (late.finish(), twin.finish());
    assert_eq!(late.code, Some(5), "{}", late.text);
    assert!(
        late.text.contains("all 2 shares of the run are taken"),
        "{}",
        late.text
    );
    assert_eq!(twin.code, Some(5), "{}", twin.text);
    assert!(
        twin.text
            .contains("cannot take share 1 of the run: process"),
        "{}",
        twin.text
    );
    assert_eq!(stranger.code, Some(2), "{}", stranger.text);
    assert!(
        stranger.text.contains("it has 2, from 0"),
        "{}",
        stranger.text
    );
    let coordinator = coordinator.finish();
    assert!(
        matches!(coordinator.code, Some(0 | 4)),
        "{}",
        coordinator.text
    );
    assert!(
        workers
            .into_iter()
            .all(|worker| worker.finish().code == Some(0))
    );
    assert_eq!(test.summary().sockets.opened, 101);
}

#[test]
fn wrong_token_of_the_bus_is_refused_at_both_ends() {
    let options = NatsOptions {
        jetstream: true,
        config: "authorization { token: the-secret-of-the-bus }",
    };
    let mut test = BusTest::with_bus("1s", options);
    let right = test
        .address
        .replace("nats://", "nats://the-secret-of-the-bus@");
    test.address = test.address.replace("nats://", "nats://an0ther-s3cret@");
    for ended in [
        test.named_coordinator(1, &[]).finish(),
        test.worker(0).finish(),
    ] {
        assert_eq!(ended.code, Some(5), "{}", ended.text);
        assert!(
            ended.text.contains("it refuses the credentials"),
            "{}",
            ended.text
        );
        assert!(!ended.text.contains("an0ther-s3cret"), "{}", ended.text);
    }
    test.address = right;
    let worker = test.worker(0);
    let coordinator = test.named_coordinator(1, &[]).finish();
    assert!(
        matches!(coordinator.code, Some(0 | 4)),
        "{}",
        coordinator.text
    );
    assert_eq!(worker.finish().code, Some(0));
}

#[test]
fn plan_that_does_not_fit_is_refused_before_any_traffic() {
    let test = BusTest::start("1s");
    let worker = test.worker(0);
    let more = ["--set", "devices.home.count=9000000", "--set", "gates=[]"];
    let coordinator = test.named_coordinator(1, &more).finish();
    assert_eq!(coordinator.code, Some(5), "{}", coordinator.text);
    let text = &coordinator.text;
    assert!(
        text.contains("the plan does not fit the workers: on "),
        "{text}"
    );
    assert!(text.contains("w1 needs 9,000,512 open files"), "{text}");
    let worker = worker.finish();
    assert_eq!(worker.code, Some(5), "{}", worker.text);
    assert!(
        worker.text.contains("the plan does not fit"),
        "{}",
        worker.text
    );
    assert!(test.rows().is_empty());
}

#[test]
fn worker_of_another_machine_cannot_reach_a_cluster() {
    let mut test = BusTest::start("1s");
    let file = test.folder.path().join("scenario.toml");
    let scenario = fs::read_to_string(&file).unwrap();
    let (head, rest) = scenario.split_once("[target]").unwrap();
    let (_, pools) = rest.split_once("[[devices]]").unwrap();
    fs::write(&file, format!("{head}[cluster]\n[[devices]]{pools}")).unwrap();
    let coordinator = test.named_coordinator(1, &[]);
    if !test.rename_machine("elsewhere") {
        return println!("skipped: processes cannot have a host name of their own here");
    }
    let worker = test.worker(0);
    let coordinator = coordinator.finish();
    assert_eq!(coordinator.code, Some(5), "{}", coordinator.text);
    let text = &coordinator.text;
    assert!(
        text.contains("worker w1 on elsewhere cannot reach the `[cluster]`"),
        "{text}"
    );
    assert_eq!(worker.finish().code, Some(5));
}

#[test]
fn secrets_stay_in_each_process_and_a_missing_one_is_named() {
    let test = BusTest::start("1s");
    let file = test.folder.path().join("scenario.toml");
    let scenario = fs::read_to_string(&file).unwrap();
    let scenario = scenario.replace(
        "[[devices]]",
        "headers = { X-Key = \"${BUS_KEY}\" }\n[[devices]]",
    );
    fs::write(&file, scenario).unwrap();
    let worker = test.worker(0);
    let coordinator = test.with_variable("BUS_KEY", "s3cr3t-of-the-target");
    let coordinator = coordinator.finish();
    let worker = worker.finish();
    assert_eq!(worker.code, Some(2), "{}", worker.text);
    assert!(
        worker.text.contains("the variable BUS_KEY is not set"),
        "{}",
        worker.text
    );
    assert!(
        worker.text.contains("do not pass through the bus"),
        "{}",
        worker.text
    );
    assert_eq!(coordinator.code, Some(5), "{}", coordinator.text);
    let text = "cannot fill in the header field X-Key: the variable BUS_KEY is not set";
    assert!(coordinator.text.contains(text), "{}", coordinator.text);
    // A literal secret would be in the plan.
    let literal = ["--set", "target.headers.X-Key=s3cr3t-in-the-plan"];
    let refused = test.coordinator_at("literal", 1, &literal);
    let refused = refused.finish();
    assert_eq!(refused.code, Some(2), "{}", refused.text);
    assert!(
        refused.text.contains("cannot put the plan on the bus"),
        "{}",
        refused.text
    );
    assert!(
        !refused.text.contains("s3cr3t-in-the-plan"),
        "{}",
        refused.text
    );
}

#[test]
fn bus_is_not_the_broker_under_test() {
    let test = BusTest::start("1s");
    let file = test.folder.path().join("scenario.toml");
    let scenario = fs::read_to_string(&file).unwrap();
    let (before, after) = scenario.split_once("[target]").unwrap();
    let (_, after) = after.split_once("[[devices]]").unwrap();
    let cluster = format!("[cluster]\nnodes = 1\nbackplane = \"{}\"\n", test.address);
    fs::write(&file, format!("{before}{cluster}[[devices]]{after}")).unwrap();
    for ended in [
        test.named_coordinator(1, &[]).finish(),
        test.check().finish(),
    ] {
        assert_eq!(ended.code, Some(2), "{}", ended.text);
        assert!(
            ended
                .text
                .contains("it is the broker of the cluster under test"),
            "{}",
            ended.text
        );
    }
}

#[test]
fn control_address_of_earlier_versions_names_the_new_form() {
    let test = BusTest::start("1s");
    let coordinator = test.coordinator(1, &["--listen", "127.0.0.1:0"]).finish();
    let worker = test.worker_with(&["--connect", "192.0.2.1:7070"]).finish();
    for ended in [coordinator, worker] {
        assert_eq!(ended.code, Some(2), "{}", ended.text);
        assert!(
            ended.text.contains("--bus nats://HOST --run RUN"),
            "{}",
            ended.text
        );
    }
}
