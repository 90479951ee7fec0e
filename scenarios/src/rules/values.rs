//! Every placeholder has a value: in the addresses and header fields of a target for all of
//! its pools, in a login for its own.

use super::pool;
use crate::{
    data::PoolData,
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    frames::{AddressTemplate, Template, ValueNames},
    plan::{LoginBody, PublishFrom},
    scenario::Scenario,
    section::{devices::PoolSection, login::LoginSection, target::TargetSection},
};

pub(super) fn check(scenario: &Scenario, data: &[PoolData], sink: &mut DiagnosticSink) {
    let target = scenario.target.value.as_ref();
    for (pool, data) in scenario.devices.elements().iter().zip(data) {
        let Some(names) = pool::names_before_open(pool, data) else {
            continue;
        };
        if let Some(target) = target {
            check_target(target, names, pool, sink);
        }
        if let Some(login) = &pool.login.value {
            // The login itself has only what is known before it.
            let names = ValueNames {
                columns: data.columns().to_vec(),
                ..ValueNames::default()
            };
            check_login(login, names, sink);
        }
    }
    if let Some(target) = target {
        check_publishers(scenario, target, sink);
    }
}

fn check_target(
    target: &TargetSection,
    mut names: ValueNames,
    pool: &PoolSection,
    sink: &mut DiagnosticSink,
) {
    let mut report = |location: &ValueLocation, problem: Diagnostic| {
        let message = format!("{}, in pool `{}`", problem.message, pool.name.text());
        let problem = Diagnostic { message, ..problem };
        sink.report(&location.without_value(), problem);
    };
    for field in [&target.ws, &target.http] {
        for address in field.value.iter().flatten() {
            if let Err(problem) = check_address(address, &mut names) {
                report(&field.location, problem);
            }
        }
    }
    for header in target.headers.value.iter().flatten() {
        if let Err(problem) = Template::parse_outside_of_frames(&header.value, &mut names) {
            let message = format!("{} in the value of `{}`", problem.message, header.name);
            report(&target.headers.location, Diagnostic { message, ..problem });
        }
    }
}

fn check_login(login: &LoginSection, mut names: ValueNames, sink: &mut DiagnosticSink) {
    for url in login.urls() {
        if let Some(Err(problem)) = url.value.as_ref().map(|url| check_address(url, &mut names)) {
            sink.report(&url.location, problem);
        }
    }
    let json = login.json.value.clone().map(LoginBody::Json);
    let form = login.form.value.clone().map(LoginBody::Form);
    let text = login.body.value.clone().map(LoginBody::Text);
    let headers = login.headers.value.iter().flatten();
    let headers = headers.map(|header| header.value.clone());
    for (location, texts) in [
        (&login.json.location, texts_of(json)),
        (&login.form.location, texts_of(form)),
        (&login.body.location, texts_of(text)),
        (&login.headers.location, headers.collect()),
    ] {
        for text in texts {
            if let Err(problem) = Template::parse_outside_of_frames(&text, &mut names) {
                sink.report(&location.without_value(), problem);
            }
        }
    }
}

fn texts_of(body: Option<LoginBody>) -> Vec<String> {
    body.map(|body| body.texts()).unwrap_or_default()
}

fn check_address(address: &str, names: &mut ValueNames) -> Result<(), Diagnostic> {
    AddressTemplate::parse(address, names)?;
    Template::parse_outside_of_frames(address, names).map(drop)
}

/// Checks that the base addresses are the same for all devices where callers that are no
/// device publish.
fn check_publishers(scenario: &Scenario, target: &TargetSection, sink: &mut DiagnosticSink) {
    let mut loads = scenario.publish.elements().iter();
    if !loads.any(|load| load.from.is(&PublishFrom::Rest)) {
        return;
    }
    let differs = |address: &String| {
        let template = AddressTemplate::parse(address, &mut ValueNames::default());
        !template.is_ok_and(|template| template.is_same_for_all())
    };
    if target.http.value.iter().flatten().any(differs) {
        let problem = Diagnostic::new("a base address that differs from device to device");
        sink.report(
            &target.http.location,
            problem.expected("`${NAME}` alone, because publishers over HTTP are not devices"),
        );
    }
}
