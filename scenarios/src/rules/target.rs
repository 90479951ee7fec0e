//! The keys of a target fit each other: its dialect, its certificates.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    plan::{Dialect, Word},
    scenario::{Scenario, System},
    section::{target::TargetSection, target_tls::TargetTlsSection},
    value::DEVICE_PLACEHOLDER,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(target) = &scenario.target.value else {
        return;
    };
    check_ws(scenario, target, sink);
    if let Some(tls) = &target.tls.value {
        check_tls(tls, sink);
        check_client_certificate(tls, sink);
        check_server_name(target, tls, sink);
    }
}

/// Checks that every address names the device where the dialect needs it.
fn check_ws(scenario: &Scenario, target: &TargetSection, sink: &mut DiagnosticSink) {
    let mut addresses = target.ws.value.iter().flatten();
    let dialect = scenario.dialect_of(target);
    if let Some(address) = addresses.find(|address| !address.contains(DEVICE_PLACEHOLDER))
        // The reference server knows a device by its address; others may know it by a
        // header field.
        && let Some(dialect) = dialect.filter(|dialect| dialect.features().device_in_address)
    {
        let message = format!(
            "the {} dialect needs `{{device}}` in every address",
            dialect.as_str()
        );
        let hint = format!(
            "did you mean \"{address}?device={DEVICE_PLACEHOLDER}\"? dialect = \"plain\" needs none"
        );
        sink.report(&target.ws.location, Diagnostic::new(message).hint(hint));
    }
}

/// Checks that the system leaves the `subject` at `location` to the scenario: it is a target
/// of the plain dialect.
pub(super) fn check_plain(
    scenario: &Scenario,
    location: &ValueLocation,
    subject: &str,
    sink: &mut DiagnosticSink,
) {
    match scenario.system() {
        System::Cluster(_) => sink.report(
            &location.without_value(),
            Diagnostic::new(format!("{subject} for a cluster that the harness starts"))
                .expected("a `[target]`")
                .hint("the nodes of a `[cluster]` speak their own protocol"),
        ),
        System::Target(target) if target.dialect.is(&Dialect::Highwater) => sink.report(
            &target.dialect.location,
            Diagnostic::new(format!("{subject} in the highwater dialect"))
                .expected("`dialect = \"plain\"`, or no `dialect`"),
        ),
        _ => {}
    }
}

/// Checks that an authority is given only where certificates are verified against it.
fn check_tls(tls: &TargetTlsSection, sink: &mut DiagnosticSink) {
    if tls.ca.value.is_some() && tls.verify.is(&false) {
        sink.report(
            &tls.verify.location,
            Diagnostic::new("an authority that nothing is verified against")
                .expected("`ca`, or `verify = false`"),
        );
    }
}

/// Checks that a certificate has its key, and a key its certificate.
fn check_client_certificate(tls: &TargetTlsSection, sink: &mut DiagnosticSink) {
    let lone = match (tls.certificate.is_written, tls.key.is_written) {
        (true, false) => (&tls.certificate.location, "a certificate without its key"),
        (false, true) => (&tls.key.location, "a key without its certificate"),
        _ => return,
    };
    let (location, message) = lone;
    let expected = "both `certificate` and `key`";
    sink.report(location, Diagnostic::new(message).expected(expected));
}

/// Checks that a server's name has an address with TLS, and that commands can use it: they go
/// to the name, which stands for the hosts of all `https` addresses at one port.
fn check_server_name(target: &TargetSection, tls: &TargetTlsSection, sink: &mut DiagnosticSink) {
    if !tls.server_name.is_written {
        return;
    }
    let mut report = |diagnostic| sink.report(&tls.server_name.location, diagnostic);
    let commands = target.http.value.iter().flatten();
    let secure: Vec<&str> = commands
        .filter_map(|address| address.strip_prefix("https://"))
        .collect();
    let mut sockets = target.ws.value.iter().flatten();
    if secure.is_empty() && !sockets.any(|address| address.starts_with("wss://")) {
        report(
            Diagnostic::new("a server's name without TLS")
                .expected("an address with wss:// or https://"),
        );
    }
    let mut ports = secure.iter().map(|rest| port_of(rest));
    let first = ports.next();
    if ports.any(|port| Some(port) != first) {
        report(
            Diagnostic::new("one server's name for several ports of `http`")
                .expected("https:// addresses with the same port"),
        );
    }
    if !secure.is_empty() && target.proxy.is_written {
        report(
            Diagnostic::new("a proxy would look up the server's name itself")
                .expected("`server_name` without `proxy`, where `http` has https:// addresses"),
        );
    }
}

/// Returns the text of the port in an address without its scheme; empty without a port.
fn port_of(rest: &str) -> &str {
    let authority = rest.split('/').next().unwrap_or_default();
    // IPv6 addresses have colons, and stand in brackets.
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    after_host.split_once(':').map_or("", |(_, port)| port)
}
