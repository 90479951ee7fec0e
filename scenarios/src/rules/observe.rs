//! The keys of an observed process fit each other, and each process has a name of its own.

use std::collections::HashSet;

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    plan::numbered_names,
    scenario::Scenario,
    section::{Section, observe::ObserveSection},
    value::DEVICE_PLACEHOLDER,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(target) = &scenario.target.value else {
        return;
    };
    for process in target.observe.elements() {
        check_sources(process, sink);
        check_endpoint_keys(process, sink);
        check_headers(process, sink);
    }
    check_numbered_names(target.observe.elements(), sink);
}

/// Checks that there is something to sample, and that all of it is one process.
fn check_sources(process: &ObserveSection, sink: &mut DiagnosticSink) {
    let (pid, cgroup, container) = (&process.pid, &process.cgroup, &process.container);
    let has_kernel_source = pid.is_written || cgroup.is_written || container.is_written;
    if !process.prometheus.is_written && !has_kernel_source {
        sink.report(
            process.location(),
            Diagnostic::new("nothing to sample")
                .expected("`prometheus`, `pid`, `cgroup` or `container`"),
        );
    }
    if container.is_written && (pid.is_written || cgroup.is_written) {
        sink.report(
            &container.location,
            Diagnostic::new("a container beside a process or a control group")
                .expected("`container` alone, which finds both"),
        );
    }
    if process.prometheus.elements().len() > 1 && has_kernel_source {
        sink.report(
            &process.prometheus.location,
            Diagnostic::new("several endpoints of one process")
                .expected("one address, or a [[target.observe]] for each process"),
        );
    }
    if process.pid_children.is_written && !pid.is_written && !container.is_written {
        sink.report(
            &process.pid_children.location,
            Diagnostic::new("children of no process").expected("`pid` or `container` beside it"),
        );
    }
}

/// Checks that keys about an endpoint stand beside one.
fn check_endpoint_keys(process: &ObserveSection, sink: &mut DiagnosticSink) {
    if process.prometheus.is_written {
        return;
    }
    let mut without_endpoint = |is_written: bool, location: &ValueLocation, message: &str| {
        if is_written {
            let expected = "`prometheus` beside it";
            sink.report(location, Diagnostic::new(message).expected(expected));
        }
    };
    let (sockets, metrics) = (&process.sockets_metric, &process.metrics);
    let (headers, basic, late) = (&process.headers, &process.basic, &process.late_metrics);
    without_endpoint(
        sockets.is_written,
        &sockets.location,
        "a metric without its endpoint",
    );
    without_endpoint(
        metrics.is_written,
        &metrics.location,
        "metrics without their endpoint",
    );
    without_endpoint(
        headers.is_written,
        &headers.location,
        "header fields without an endpoint",
    );
    without_endpoint(
        basic.is_written,
        &basic.location,
        "credentials without an endpoint",
    );
    without_endpoint(
        late.is_written,
        &late.location,
        "late metrics without their endpoint",
    );
}

fn check_headers(process: &ObserveSection, sink: &mut DiagnosticSink) {
    let headers = process.headers.elements();
    if headers
        .iter()
        .any(|header| header.value.contains(DEVICE_PLACEHOLDER))
    {
        sink.report(
            &process.headers.location,
            Diagnostic::new("a device's id for an endpoint, which belongs to no device")
                .expected("header fields without {device}"),
        );
    }
    let has_authorization = headers
        .iter()
        .any(|header| header.name.eq_ignore_ascii_case("authorization"));
    if has_authorization && process.basic.is_written {
        sink.report(
            &process.basic.location,
            Diagnostic::new("credentials beside an `Authorization` of their own")
                .expected("one of the two"),
        );
    }
}

/// Checks that no name is also the numbered one of an endpoint. Names that are written twice
/// are reported by another rule.
fn check_numbered_names(processes: &[ObserveSection], sink: &mut DiagnosticSink) {
    let several = |process: &&ObserveSection| process.prometheus.elements().len() > 1;
    let numbered: HashSet<String> = processes
        .iter()
        .filter(several)
        .filter_map(|process| {
            let name = process.name.value.as_deref()?;
            Some(numbered_names(name, process.prometheus.elements().len()))
        })
        .flatten()
        .collect();
    for process in processes {
        if numbered.contains(process.name.text()) {
            sink.report(
                &process.name.location,
                Diagnostic::new("an endpoint of another observed process has this name")
                    .expected("a name of its own"),
            );
        }
    }
}
