//! A login has one address and at most one body, and data and logins have a target.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::{Scenario, System},
    section::{Section, devices::PoolSection, login::LoginSection},
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let is_cluster = matches!(scenario.system(), System::Cluster(_));
    for pool in scenario.devices.elements() {
        if is_cluster {
            check_cluster(pool, sink);
        }
        if let Some(login) = &pool.login.value {
            check_address(login, sink);
            check_body(login, sink);
        }
    }
}

/// Checks that no pool of a cluster has values of its own: the reference server's devices
/// send none of them.
fn check_cluster(pool: &PoolSection, sink: &mut DiagnosticSink) {
    let keys = [
        (pool.data.is_written, &pool.data.location, "data"),
        (pool.login.is_written, &pool.login.location, "login"),
    ];
    for (_, location, key) in keys.into_iter().filter(|(is_written, ..)| *is_written) {
        sink.report(
            &location.without_value(),
            Diagnostic::new(format!("`{key}` for a cluster that the harness starts"))
                .expected(format!("`{key}` with a `[target]`"))
                .hint("auth = true in [cluster] gives each device a token of its own"),
        );
    }
}

fn check_address(login: &LoginSection, sink: &mut DiagnosticSink) {
    const EXPECTED: &str = "one of `post`, `get` and `put`";
    let written = login.urls().into_iter().filter(|url| url.is_written);
    let written: Vec<_> = written.collect();
    match written.as_slice() {
        [] => sink.report_missing(
            login.location(),
            Diagnostic::new("a login without an address").expected(EXPECTED),
        ),
        [_] => {}
        [_, others @ ..] => {
            for url in others {
                let diagnostic = Diagnostic::new("a login with several addresses");
                sink.report(&url.location.without_value(), diagnostic.expected(EXPECTED));
            }
        }
    }
}

fn check_body(login: &LoginSection, sink: &mut DiagnosticSink) {
    let bodies = [
        (login.json.is_written, &login.json.location),
        (login.form.is_written, &login.form.location),
        (login.body.is_written, &login.body.location),
    ];
    let written = bodies.into_iter().filter(|(is_written, _)| *is_written);
    let written: Vec<_> = written.map(|(_, location)| location).collect();
    for location in written.iter().skip(1) {
        sink.report(
            &location.without_value(),
            Diagnostic::new("a login with several bodies")
                .expected("one of `json`, `form` and `body`"),
        );
    }
    if let Some(first) = written.first().filter(|_| login.get.is_written) {
        // RFC 9110, section 9.3.1: content in a GET request has no defined meaning.
        sink.report(
            &first.without_value(),
            Diagnostic::new("a body in a GET request").expected("`post` or `put` with a body"),
        );
    }
}
