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
