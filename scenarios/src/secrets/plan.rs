//! The secrets of a plan.

use std::collections::BTreeSet;

use highwater_types::redact_passwords;

use super::{
    header::mask_headers,
    keys::{BASIC_KEY, PASSCODE_KEY, PUBLIC_PASSCODE},
    login_body::mask_whole,
};
use crate::{
    mask::{is_literal_secret, is_literal_secret_text, literal_parameters, mask_address},
    plan::{BasicCredentials, LoginBody, Plan, SystemSpec, TargetSpec},
};

impl Plan {
    /// Returns the plan as records show it, with masked header fields, credentials, queries and
    /// login bodies, and without the proxy's password.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        if let SystemSpec::Target(target) = &mut self.system {
            let observed = target.observe.iter_mut();
            let observed = observed.flat_map(|process| &mut process.headers);
            for header in target.headers.iter_mut().chain(observed) {
                *header = header.masked();
            }
            for process in &mut target.observe {
                process.basic = process.basic.as_ref().map(BasicCredentials::masked);
            }
            if let Some(stomp) = &mut target.stomp {
                let passcode = stomp.passcode.iter_mut();
                passcode
                    .filter(|passcode| *passcode != PUBLIC_PASSCODE)
                    .for_each(mask_whole);
            }
            if let Some(proxy) = &mut target.proxy {
                *proxy = redact_passwords(proxy).into_owned();
            }
            let observed = target.observe.iter_mut();
            let endpoints = observed.flat_map(|process| &mut process.prometheus);
            for address in target
                .ws
                .iter_mut()
                .chain(&mut target.http)
                .chain(endpoints)
            {
                *address = mask_address(address);
            }
        }
        for load in &mut self.commands {
            load.path = mask_address(&load.path);
        }
        for load in &mut self.commands {
            mask_headers(&mut load.headers);
        }
        let pools = self.devices.iter_mut();
        for login in pools.filter_map(|pool| pool.login.as_mut()) {
            login.url = mask_address(&login.url);
            mask_headers(&mut login.headers);
            if let Some(body) = &mut login.body {
                body.mask();
            }
        }
        self
    }

    /// Returns the places of values that are written out and may be secrets, in words.
    pub fn literal_secrets(&self) -> Vec<String> {
        let SystemSpec::Target(target) = &self.system else {
            return Vec::new();
        };
        let observed = target.observe.iter();
        let of_commands = self.commands.iter().flat_map(|load| &load.headers);
        let logins = self.devices.iter().filter_map(|pool| pool.login.as_ref());
        let headers = target.headers.iter().chain(of_commands);
        let headers = headers.chain(logins.flat_map(|login| &login.headers));
        let headers = headers.chain(observed.clone().flat_map(|process| &process.headers));
        let headers = headers
            .filter(|header| header.has_literal_secret())
            .map(|header| format!("the value of the header field {}", header.name));
        let basic = observed.filter(|process| {
            let basic = process.basic.as_ref();
            basic.is_some_and(BasicCredentials::has_literal_secret)
        });
        let basic = basic.map(|process| format!("`{BASIC_KEY}` of the process {}", process.name));
        let proxy = target.proxy.iter();
        let proxy = proxy
            .filter(|proxy| has_literal_password(proxy))
            .map(|_| "the password of the proxy".to_owned());
        let passcode = target
            .stomp
            .iter()
            .filter_map(|stomp| stomp.passcode.as_ref());
        let passcode = passcode
            .filter(|passcode| {
                *passcode != PUBLIC_PASSCODE && is_literal_secret(PASSCODE_KEY, passcode)
            })
            .map(|_| format!("`{PASSCODE_KEY}` of the target"));
        let places = headers.chain(basic).chain(proxy).chain(passcode);
        let places = places.chain(self.literal_parameters(target));
        places.chain(self.literal_login_bodies()).collect()
    }

    /// Returns the places in queries, each name once: the addresses of a target often differ in
    /// their hosts alone.
    fn literal_parameters(&self, target: &TargetSpec) -> Vec<String> {
        let observed = target.observe.iter();
        let addresses = target.ws.iter().chain(&target.http);
        let addresses = addresses.chain(observed.flat_map(|process| &process.prometheus));
        let addresses = addresses.chain(self.commands.iter().map(|load| &load.path));
        let logins = self.devices.iter().filter_map(|pool| pool.login.as_ref());
        let addresses = addresses.chain(logins.map(|login| &login.url));
        let names: BTreeSet<&str> = addresses
            .flat_map(|address| literal_parameters(address))
            .collect();
        let places = names.into_iter();
        let places = places.map(|name| format!("the value of the query parameter {name}"));
        places.collect()
    }

    fn literal_login_bodies(&self) -> Vec<String> {
        let mut places = Vec::new();
        for pool in &self.devices {
            let body = pool.login.as_ref().and_then(|login| login.body.as_ref());
            let Some(body) = body else {
                continue;
            };
            let pool = &pool.name;
            let fields = body.literal_fields().into_iter();
            let fields = fields.map(|name| format!("the field {name} in the login of {pool}"));
            places.extend(fields);
            if matches!(body, LoginBody::Text(text) if is_literal_secret_text(text)) {
                places.push(format!("the body in the login of {pool}"));
            }
        }
        places
    }
}

/// Returns the names of the variables of the environment that any text of a plan has as
/// `${NAME}`.
pub fn variables(plan: &Plan) -> Vec<String> {
    // The record's form has every text of the plan, whichever key it belongs to.
    let text = serde_json::to_string(plan).unwrap_or_default();
    let parts = text.split("${").skip(1);
    let names = parts.filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()));
    names.collect()
}

/// Whether the password of an address is written out, without any `${NAME}`.
fn has_literal_password(address: &str) -> bool {
    let userinfo = address.rsplit_once('@').map(|(before, _)| before);
    let userinfo = userinfo.and_then(|before| before.split_once("://"));
    let password = userinfo.and_then(|(_, userinfo)| userinfo.split_once(':'));
    password.is_some_and(|(_, password)| !password.is_empty() && !password.contains("${"))
}
