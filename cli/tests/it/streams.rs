//! Commands whose reply comes on an event stream, from scenario to report.

use crate::harness::Run;

#[test]
fn every_stream_brings_its_reply_over_two_nodes() {
    let run = Run::to_its_end(
        r#"
        name = "streams"
        duration = "6s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 100
        ramp = "100/s"
        heartbeat = "2s"
        [[commands]]
        name = "read"
        rate = "50/s"
        reply = "sse"
        [[gates]]
        check = "commands.failed == 0"
        [[gates]]
        check = "commands.timed_out == 0"
        [[gates]]
        check = "commands.cross_node.count > 0"
        "#,
    );
    run.assert_passed();
    let summary = run.summary();
    let commands = summary.commands.unwrap();
    assert_eq!((commands.due, commands.replied), (300, 300));
    let (same, cross) = (
        run.counted("commands.same_node"),
        run.counted("commands.cross_node"),
    );
    assert_eq!(same + cross, 300);
    assert!(same > 0 && cross > 0, "{same} {cross}");
}

/// The device does not answer while its node does, so each stream ends with an
/// error event at the deadline.
#[test]
fn a_stream_without_a_reply_is_timed_out() {
    let run = Run::to_its_end(
        r#"
        name = "silent-streams"
        duration = "5s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 20
        ramp = "100/s"
        heartbeat = "2s"
        [[commands]]
        name = "read"
        rate = "20/s"
        timeout = "1s"
        reply = "sse"
        [[events]]
        at = "2s"
        do = "fault"
        node = "n1"
        fault = "stall"
        length = "2s"
        [[gates]]
        check = "commands.lost == 0"
        "#,
    );
    let commands = run.summary().commands.unwrap();
    assert!(commands.timed_out > 0, "{commands:?}");
    let outcomes = commands.replied
        + commands.timed_out
        + commands.not_connected
        + commands.rejected
        + commands.failed;
    assert_eq!(commands.issued, outcomes, "{commands:?}");
}
