//! Commands whose reply is due on an event stream and never arrives.

use crate::harness::{
    CliRun,
    checks::{assert_no_command_lost, commands},
};

/// The device does not answer while its node does, so each stream ends with an
/// error event at the deadline.
#[test]
fn stream_without_a_reply_times_out() {
    let run = CliRun::run_to_end(
        r#"
        name = "silent-streams"
        duration = "4s"
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
        at = "1s"
        do = "fault"
        node = "n1"
        fault = "stall"
        duration = "2s"
        [[gates]]
        check = "commands.lost == 0"
        "#,
    );
    let summary = run.summary();
    let commands = commands(&summary);
    assert!(commands.timed_out > 0, "{commands:?}");
    assert_no_command_lost(commands);
}
