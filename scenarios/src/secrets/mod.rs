//! Values of header fields, of addresses' queries and of logins, and the password of a proxy,
//! kept out of records and messages.
//!
//! A header field, a query or the body of a login may carry a key or a password. Its place is a
//! variable: `${NAME}` stands in the scenario, and the coordinator looks it up. What is written
//! out all the same is sent as it is, and shown nowhere: records, reports and error messages have
//! `***` in its place.

use std::{collections::BTreeSet, ops::Range};

use highwater_types::redact_passwords;

use crate::{
    diagnostic::{DiagnosticSink, SourceSpan},
    mask::{
        MASK, MaskFn, has_secret_placeholder, is_literal_secret, is_literal_secret_text,
        literal_parameters, mask_queries, mask_value, stars,
    },
    plan::{BasicCredentials, HttpHeader, LoginBody, Plan, SystemSpec, TargetSpec},
    tree::{self, TomlEntry, TomlItem, TomlTable, TomlValue},
};

pub use crate::mask::{literal_parts, mask_address, query_secrets};

/// Header fields whose values are no secrets, in lower case.
const HARMLESS_HEADERS: [&str; 6] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "origin",
    "pragma",
    "user-agent",
];

/// Key of a name and a password.
const BASIC_KEY: &str = "basic";

/// Key of the password of sessions of STOMP.
const PASSCODE_KEY: &str = "passcode";

/// The password of RabbitMQ's own user, which anybody knows.
const PUBLIC_PASSCODE: &str = "guest";

/// Keys whose values are addresses or paths with a query.
const ADDRESS_KEYS: [&str; 7] = ["ws", "http", "prometheus", "path", "post", "get", "put"];

impl HttpHeader {
    /// Whether the value is written out and may be a secret. With a variable, a column or a
    /// value of the login in it, that is the secret, and the rest is a name: `session={session}`.
    pub fn has_literal_secret(&self) -> bool {
        !has_secret_placeholder(&self.value) && self.masked().value != self.value
    }

    /// Returns the field with `***` in place of what may be a secret.
    #[must_use]
    pub fn masked(&self) -> Self {
        let value = match is_harmless(&self.name) {
            true => self.value.clone(),
            false => mask_value(&self.value, |_| MASK.to_owned()),
        };
        Self {
            name: self.name.clone(),
            value,
        }
    }
}

impl BasicCredentials {
    /// Whether the password is written out.
    fn has_literal_secret(&self) -> bool {
        !self.password.contains("${") && self.masked() != *self
    }

    /// Returns the credentials with `***` in place of what may be a secret.
    fn masked(&self) -> Self {
        Self {
            user: mask_value(&self.user, |_| MASK.to_owned()),
            password: mask_value(&self.password, |_| MASK.to_owned()),
        }
    }
}

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

fn mask_headers(headers: &mut [HttpHeader]) {
    for header in headers {
        *header = header.masked();
    }
}

impl LoginBody {
    /// Puts `***` in place of every text that may be a secret.
    fn mask(&mut self) {
        match self {
            Self::Json(json) => mask_json(json),
            Self::Form(fields) => fields.iter_mut().for_each(|(_, value)| mask_whole(value)),
            Self::Text(text) => mask_whole(text),
        }
    }

    /// Returns the names of the fields whose values are written out and look like secrets.
    fn literal_fields(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        match self {
            Self::Json(json) => find_literal_fields("", json, &mut names),
            Self::Form(fields) => {
                let fields = fields.iter();
                let literal = fields.filter(|(name, value)| is_literal_secret(name, value));
                names.extend(literal.map(|(name, _)| name.as_str()));
            }
            // It has no fields.
            Self::Text(_) => {}
        }
        names
    }
}

/// Finds the fields below `name`. The items of a list go by its name.
fn find_literal_fields<'a>(
    name: &'a str,
    json: &'a serde_json::Value,
    names: &mut BTreeSet<&'a str>,
) {
    use serde_json::Value;
    let is_literal = match json {
        Value::String(text) => is_literal_secret(name, text),
        Value::Number(number) => is_literal_secret(name, &number.to_string()),
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| find_literal_fields(name, item, names));
            false
        }
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(name, value)| find_literal_fields(name, value, names));
            false
        }
        Value::Bool(_) | Value::Null => false,
    };
    if is_literal {
        names.insert(name);
    }
}

fn mask_json(json: &mut serde_json::Value) {
    use serde_json::Value;
    match json {
        Value::String(text) => mask_whole(text),
        // A PIN may be written as a number.
        Value::Number(_) => *json = MASK.into(),
        Value::Array(items) => items.iter_mut().for_each(mask_json),
        Value::Object(fields) => fields.values_mut().for_each(mask_json),
        Value::Bool(_) | Value::Null => {}
    }
}

fn mask_whole(text: &mut String) {
    *text = mask_value(text, |_| MASK.to_owned());
}

/// Returns the text of a scenario with `***` in place of the values of header fields, of queries
/// and of the bodies of logins.
pub fn mask_secrets(text: &str) -> String {
    mask_text(text, |_| MASK.to_owned())
}

/// Returns a `--set` argument with `***` in place of the value of a header field or of a query.
pub fn mask_set(argument: &str) -> String {
    mask_argument(argument, |_| MASK.to_owned())
}

/// Masks as [`mask_secrets`] does, without a change of length, so that the locations of
/// problems stay right.
pub(crate) fn mask_secrets_same_length(text: &str) -> String {
    mask_text(text, stars)
}

/// Masks as [`mask_set`] does, without a change of length.
pub(crate) fn mask_set_same_length(argument: &str) -> String {
    mask_argument(argument, stars)
}

/// Whether the password of an address is written out, without any `${NAME}`.
fn has_literal_password(address: &str) -> bool {
    let userinfo = address.rsplit_once('@').map(|(before, _)| before);
    let userinfo = userinfo.and_then(|before| before.split_once("://"));
    let password = userinfo.and_then(|(_, userinfo)| userinfo.split_once(':'));
    password.is_some_and(|(_, password)| !password.is_empty() && !password.contains("${"))
}

fn mask_text(text: &str, mask: MaskFn) -> String {
    // Problems of the text are reported elsewhere.
    let root = tree::parse(text, &mut DiagnosticSink::default());
    let mut ranges = Vec::new();
    find_values(&root, Part::Open, &mut ranges);
    ranges.sort_by_key(|(range, _)| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for (range, place) in ranges {
        let (Some(before), Some(literal)) = (text.get(end..range.start), text.get(range.clone()))
        else {
            continue;
        };
        masked.push_str(before);
        masked.push_str(&match place {
            SecretPlace::Value => mask_literal(literal, mask),
            SecretPlace::Query => mask_queries(literal, mask).into_owned(),
        });
        end = range.end;
    }
    masked.push_str(&text[end..]);
    masked
}

/// The part of a value that may be a secret.
#[derive(Debug, Clone, Copy)]
enum SecretPlace {
    /// The whole value, as that of a header field.
    Value,
    /// The values in the queries of addresses.
    Query,
}

/// The part of a scenario that a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A part without secrets.
    Open,
    /// A login, whose body may hold secrets.
    Login,
    /// Header fields, credentials, or the body of a login.
    Secret,
}

impl Part {
    /// Returns the part below a key.
    fn below(self, key: &str) -> Self {
        let key = key.to_ascii_lowercase();
        match (self, key.as_str()) {
            (Self::Secret, _) => Self::Secret,
            _ if is_secret_key(&key) => Self::Secret,
            (Self::Login, "json" | "form" | "body") => Self::Secret,
            (_, "login") => Self::Login,
            (part, _) => part,
        }
    }
}

/// Finds the values below every table that is called after header fields, also where such a
/// table does not belong, the bodies of logins, and the values that are addresses.
fn find_values(table: &TomlTable, part: Part, ranges: &mut Vec<(Range<usize>, SecretPlace)>) {
    for entry in table.entries() {
        let below = part.below(&entry.key);
        let place = match below {
            Part::Secret if is_harmless(&entry.key) || is_public_passcode(entry) => continue,
            Part::Secret => Some(SecretPlace::Value),
            Part::Open | Part::Login => is_address_key(&entry.key).then_some(SecretPlace::Query),
        };
        find_in_item(&entry.item, below, place, ranges);
    }
}

fn find_in_item(
    item: &TomlItem,
    part: Part,
    place: Option<SecretPlace>,
    ranges: &mut Vec<(Range<usize>, SecretPlace)>,
) {
    match (&item.value, place) {
        (TomlValue::Table(inner), _) => find_values(inner, part, ranges),
        // Processes are a list of tables, each with header fields of its own.
        (TomlValue::List(items), None | Some(SecretPlace::Value)) => {
            let items = items.iter();
            items.for_each(|item| find_in_item(item, part, place, ranges));
        }
        (_, Some(place)) => {
            if let SourceSpan::File(range) = &item.span {
                ranges.push((range.clone(), place));
            }
        }
        (_, None) => {}
    }
}

fn mask_argument(argument: &str, mask: MaskFn) -> String {
    let Some((path, value)) = argument.split_once('=') else {
        return argument.to_owned();
    };
    let mut parts = path.split('.').map(str::trim);
    let part = parts.clone().fold(Part::Open, Part::below);
    let lower = value.to_ascii_lowercase();
    let is_secret = match part {
        Part::Secret => true,
        Part::Login => value.contains('{'),
        // A whole table as a value.
        Part::Open => {
            lower.contains("headers")
                || lower.contains(BASIC_KEY)
                || lower.contains(PASSCODE_KEY)
                || (lower.contains("login") && lower.contains('{'))
        }
    };
    let is_harmless_field = parts.next_back().is_some_and(is_harmless);
    match is_secret && !is_harmless_field {
        true => format!("{path}={}", mask_value(value, mask)),
        // Of any key: a whole table as a value has addresses too.
        false => format!("{path}={}", mask_queries(value, mask)),
    }
}

/// Whether a key is the password of RabbitMQ's own user.
fn is_public_passcode(entry: &TomlEntry) -> bool {
    let TomlValue::Text(text) = &entry.item.value else {
        return false;
    };
    entry.key.eq_ignore_ascii_case(PASSCODE_KEY) && text == PUBLIC_PASSCODE
}

fn is_address_key(key: &str) -> bool {
    ADDRESS_KEYS.contains(&key.to_ascii_lowercase().as_str())
}

/// Whether the values below a key may be secrets.
fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with("header") || key == BASIC_KEY || key == PASSCODE_KEY
}

fn is_harmless(name: &str) -> bool {
    HARMLESS_HEADERS.contains(&name.to_ascii_lowercase().as_str())
}

/// Masks a value as it is written in TOML; its quotes stay.
fn mask_literal(literal: &str, mask: MaskFn) -> String {
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| {
        literal.len() >= 2 * quote.len() && literal.starts_with(quote) && literal.ends_with(quote)
    });
    let quote = quote.unwrap_or_default();
    let inner = &literal[quote.len()..literal.len() - quote.len()];
    format!("{quote}{}{quote}", mask_value(inner, mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(name: &str, value: &str) -> (String, bool) {
        let header = HttpHeader {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        (header.masked().value, header.has_literal_secret())
    }

    #[test]
    fn only_variables_and_harmless_fields_stay() {
        for (name, value, shown, is_secret) in [
            ("X-Api-Key", "s3cr3t", "***", true),
            ("Authorization", "Bearer s3cr3t", "Bearer ***", true),
            ("Authorization", "Bearer ${TOKEN}", "Bearer ${TOKEN}", false),
            ("Cookie", "sid=s3cr3t; u=${U}", "***${U}", false),
            ("X-Device", "{device}", "{device}", false),
            ("X-Device", "s3cr3t-{device}", "***{device}", true),
            ("Cookie", "sid={session}", "***{session}", false),
            ("Accept-Language", "en", "en", false),
            ("X-Empty", "", "", false),
        ] {
            let expected = (shown.to_owned(), is_secret);
            assert_eq!(masked(name, value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn text_of_a_scenario_shows_no_value_of_a_header_field() {
        let text = "name = \"t\" # s3cr3t\n[target]\nheaders = { A = \"s3cr3t\", \
                    Accept-Language = \"en\", B = 'Bearer ${T}' }\n[target.headers2]\nC = \"s3cr3t\"\n";
        let expected = "name = \"t\" # s3cr3t\n[target]\nheaders = { A = \"***\", \
                        Accept-Language = \"en\", B = 'Bearer ${T}' }\n[target.headers2]\nC = \"***\"\n";
        assert_eq!(mask_secrets(text), expected);
        let same_length = mask_secrets_same_length(text);
        assert_eq!(same_length, expected.replace("***", "******"));
        assert_eq!(mask_secrets("not = = toml"), "not = = toml");
    }

    #[test]
    fn text_of_a_scenario_shows_no_credentials_of_an_observed_process() {
        let text = "[target]\nobserve = [{ name = \"a\", headers = { A = \"s3cr3t\" } }]\n\
                    [[target.observe2]]\nbasic = { user = \"u5er\", password = 's3cr3t' }\n";
        let expected = "[target]\nobserve = [{ name = \"a\", headers = { A = \"***\" } }]\n\
                        [[target.observe2]]\nbasic = { user = \"***\", password = '***' }\n";
        assert_eq!(mask_secrets(text), expected);
    }

    #[test]
    fn text_of_a_scenario_shows_no_value_of_a_login() {
        let text = "[[devices]]\nexpect = { json = { type = \"pong\" } }\n[devices.login]\n\
                    post = \"http://h\"\njson = { user = \"{device}\", pass = \"s3cr3t\", \
                    pins = [4711, \"s3cr3t-{n}\"] }\nbody = \"s3cr3t\"\n";
        let expected = "[[devices]]\nexpect = { json = { type = \"pong\" } }\n[devices.login]\n\
                        post = \"http://h\"\njson = { user = \"{device}\", pass = \"***\", \
                        pins = [***, \"***{n}\"] }\nbody = \"***\"\n";
        assert_eq!(mask_secrets(text), expected);
    }

    #[test]
    fn argument_shows_no_value_of_a_header_field() {
        for (argument, shown) in [
            ("target.headers.X-Key=s3cr3t", "target.headers.X-Key=***"),
            ("target.headers.X-Key=${K}", "target.headers.X-Key=${K}"),
            ("target.headers={ A = \"s3cr3t\" }", "target.headers=***"),
            ("target={ headers = { A = \"s3cr3t\" } }", "target=***"),
            (
                "target.observe=[{ basic = { password = \"s3cr3t\" } }]",
                "target.observe=***",
            ),
            (
                "devices.a.login.json.pass=s3cr3t",
                "devices.a.login.json.pass=***",
            ),
            (
                "devices.a.login={ json = { p = \"s3cr3t\" } }",
                "devices.a.login=***",
            ),
            (
                "devices.a.login.post=http://h/x",
                "devices.a.login.post=http://h/x",
            ),
            (
                "target.headers.Accept-Language=en",
                "target.headers.Accept-Language=en",
            ),
            ("devices.home.count=5", "devices.home.count=5"),
            (
                "target.ws=ws://h/ws?device={device}&token=s3cr3t",
                "target.ws=ws://h/ws?device={device}&token=***",
            ),
            (
                "target={ ws = [\"ws://h?k=s3cr3t\", 'ws://i?k=s3cr3t'] }",
                "target={ ws = [\"ws://h?k=***\", 'ws://i?k=***'] }",
            ),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(mask_set(argument), shown);
        }
    }

    #[test]
    fn text_of_a_scenario_shows_no_value_of_a_query() {
        let text = "[target]\nws = [\"ws://h?device={device}&t=s3cr3t\", 'ws://i?t=s3cr3t']\n\
                    observe = [{ name = \"a?b=c\", prometheus = \"http://h/m?t=s3cr3t\" }]\n\
                    [[commands]]\npath = \"/c?t=s3cr3t\"\n";
        assert_eq!(mask_secrets(text), text.replace("s3cr3t", "***"));
        assert_eq!(
            mask_secrets_same_length(text),
            text.replace("s3cr3t", "******")
        );
    }
}
