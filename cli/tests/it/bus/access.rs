//! Credentials and certificates of the bus, at both ends.

use highwater_services::NatsOptions;

use super::{
    harness::{BusTest, Ended},
    operator::Operator,
};
use crate::harness::Certificates;

const CREDENTIALS: &str = "HIGHWATER_BUS_CREDENTIALS";
const CA: &str = "HIGHWATER_BUS_CA";

/// Starts a bus with this configuration.
fn bus(config: String) -> BusTest {
    let options = NatsOptions {
        jetstream: true,
        // The service keeps it until the test ends.
        config: config.leak(),
    };
    BusTest::with_bus("1s", options)
}

/// Asserts that a worker and a coordinator do a whole run.
fn assert_run(test: &BusTest) {
    let worker = test.worker(0);
    let coordinator = test.named_coordinator(1, &[]).finish();
    let worker = worker.finish();
    assert!(
        matches!(coordinator.code, Some(0 | 4)),
        "{}\n{}",
        coordinator.text,
        worker.text
    );
    assert_eq!(worker.code, Some(0), "{}", worker.text);
    assert_eq!(test.summary().sockets.opened, 101);
}

/// Lets both ends try, and asserts that each is refused at once for this reason.
fn assert_both_refused(test: &BusTest, reason: &str, hint: &str) {
    assert_both_end(test, 5, reason, hint);
}

/// Lets both ends try, and asserts that each ends at once with this exit code and reason.
fn assert_both_end(test: &BusTest, code: i32, reason: &str, hint: &str) {
    // A day: an end that waits for the bus would not end in the time of a test.
    let more = ["--join-timeout", "1d"];
    let both: [Ended; 2] = [
        test.named_coordinator(1, &more).finish(),
        test.worker_with(&more).finish(),
    ];
    for ended in both {
        assert_eq!(ended.code, Some(code), "{}", ended.text);
        assert!(ended.text.contains(reason), "{}", ended.text);
        assert!(ended.text.contains(hint), "{}", ended.text);
    }
}

#[test]
fn credentials_of_the_operator_are_accepted_and_those_of_another_are_not() {
    let operator = Operator::new();
    let mut test = bus(operator.server_config());
    let file = |name: &str| test.folder.path().join(name);
    let (own, other, missing) = (file("own.creds"), file("other.creds"), file("no.creds"));
    operator.write_credentials(&own);
    Operator::new().write_credentials(&other);

    let refused = "it refuses the credentials";
    let hint = "name a file with --bus-credentials";
    assert_both_refused(&test, refused, hint);
    test.set(CREDENTIALS, other.display());
    assert_both_refused(&test, refused, hint);
    test.set(CREDENTIALS, missing.display());
    assert_both_end(&test, 2, "cannot read the credentials", "no.creds");
    test.set(CREDENTIALS, own.display());
    assert_run(&test);
}

#[test]
fn certificate_of_the_bus_is_checked_against_the_named_authority() {
    let (right, wrong) = (Certificates::make(), Certificates::make());
    let config = format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\" }}",
        right.text("node.pem"),
        right.text("node.key")
    );
    let mut test = bus(config);
    test.address = test.address.replace("nats://", "tls://");

    let refused = "its certificate is not accepted";
    let hint = "--bus-ca";
    // Without a name, the authorities of this machine count.
    assert_both_refused(&test, refused, hint);
    test.set(CA, wrong.text("ca.pem"));
    assert_both_refused(&test, refused, hint);
    test.set(CA, right.text("ca.pem"));
    assert_run(&test);
}
