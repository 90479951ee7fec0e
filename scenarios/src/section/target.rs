//! `[target]`: a system that is already running.

use super::{
    KeyPresence, KeySchema, Section, Spanned, TableReader, ValueLocation, ValueType,
    address::DEVICE_PLACEHOLDER, choice::choices,
};
use crate::{
    diagnostic::DiagnosticSink,
    plan::{self, Dialect},
};

const WS: KeySchema = KeySchema {
    name: "ws",
    value_type: ValueType::WsAddresses,
    presence: KeyPresence::Required,
    about: "WebSocket addresses; clients rotate over them. `{device}` stands for the device's id, and the `highwater` dialect needs it.",
};

pub(crate) const HTTP: KeySchema = KeySchema {
    name: "http",
    value_type: ValueType::HttpAddresses,
    presence: KeyPresence::Optional,
    about: "Base addresses for commands; clients rotate over them. Needed when there are `[[commands]]`.",
};

const DIALECT: KeySchema = KeySchema {
    name: "dialect",
    value_type: ValueType::Choice(choices::<Dialect>),
    presence: KeyPresence::Default("highwater"),
    about: "`highwater`: the reference server's JSON frames, replies are checked. `plain`: WebSocket pings only, and any 2xx answer to a command is its reply.",
};

const TLS_TABLE: KeySchema = KeySchema {
    name: "tls",
    value_type: ValueType::Table,
    presence: KeyPresence::Default("{}"),
    about: "How the certificates of `wss` and `https` addresses are verified.",
};

const HEADERS: KeySchema = KeySchema {
    name: "headers",
    value_type: ValueType::Headers,
    presence: KeyPresence::Optional,
    about: "Header fields that every socket's opening and every command carries. `${NAME}` is taken from the coordinator's environment when the run starts, and stays out of the record.",
};

const OBSERVED: KeySchema = KeySchema {
    name: "observe",
    value_type: ValueType::Tables,
    presence: KeyPresence::Optional,
    about: "Processes to sample beside the load.",
};

pub(crate) static SECTION: Section = Section {
    header: "[target]",
    about: "A system that is already running, in place of `[cluster]`. Events need a cluster.",
    keys: &[WS, HTTP, DIALECT, TLS_TABLE, HEADERS, OBSERVED],
};

const CA: KeySchema = KeySchema {
    name: "ca",
    value_type: ValueType::FilePath,
    presence: KeyPresence::Optional,
    about: "PEM file of the only authorities that are trusted. Without it those of the worker's machine are, or Mozilla's where it has none.",
};

const VERIFY: KeySchema = KeySchema {
    name: "verify",
    value_type: ValueType::Bool,
    presence: KeyPresence::Default("true"),
    about: "With `false` any certificate is taken, and the report says so.",
};

pub(crate) static TLS: Section = Section {
    header: "[target.tls]",
    about: "Verifying certificates. Sessions are never resumed: each socket is a device of its own and pays for a whole handshake.",
    keys: &[CA, VERIFY],
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Required,
    about: "The node's name in the report.",
};

const PROMETHEUS: KeySchema = KeySchema {
    name: "prometheus",
    value_type: ValueType::HttpAddress,
    presence: KeyPresence::Optional,
    about: "Address of a Prometheus text endpoint.",
};

const PID: KeySchema = KeySchema {
    name: "pid",
    value_type: ValueType::Count {
        min: 1,
        max: i32::MAX as u64,
    },
    presence: KeyPresence::Optional,
    about: "Process id on this machine.",
};

const SOCKETS_METRIC: KeySchema = KeySchema {
    name: "sockets_metric",
    value_type: ValueType::Text,
    presence: KeyPresence::Optional,
    about: "The endpoint's gauge of open sockets, where it is not one that the harness knows.",
};

pub(crate) static OBSERVE: Section = Section {
    header: "[[target.observe]]",
    about: "A process to sample beside the load: an endpoint, a process id, or both.",
    keys: &[NAME, PROMETHEUS, PID, SOCKETS_METRIC],
};

/// A `[target]` whose values are each valid.
#[derive(Debug)]
pub(crate) struct TargetSection {
    ws: Option<Spanned<Vec<String>>>,
    http: Option<Spanned<Vec<String>>>,
    /// Whether `http` is written, readable or not, and where it would be.
    pub(crate) has_http: bool,
    pub(crate) http_location: ValueLocation,
    pub(crate) dialect: Option<Spanned<Dialect>>,
    tls: Option<plan::CertificateTrust>,
    headers: Option<Spanned<Vec<plan::HttpHeader>>>,
    has_headers: bool,
    pub(crate) observe: Vec<ObserveSection>,
}

/// An element of `observe`.
#[derive(Debug)]
pub(crate) struct ObserveSection {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) has_prometheus: bool,
    prometheus: Option<Spanned<String>>,
    pid: Option<Spanned<u32>>,
    sockets_metric: Option<Spanned<String>>,
}

impl TargetSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        let path_of = |index, _: &_| format!("target.observe[{index}]");
        let observe = fields.elements(&OBSERVED, &OBSERVE, &path_of, findings);
        let target = Self {
            ws: fields.read(&WS, findings),
            http: fields.read(&HTTP, findings),
            has_http: fields.has(&HTTP),
            http_location: fields.location_of(&HTTP),
            dialect: fields.read(&DIALECT, findings),
            tls: fields
                .table(&TLS_TABLE, &TLS, findings)
                .and_then(|fields| certificate_trust(&fields, findings)),
            headers: fields.read(&HEADERS, findings),
            has_headers: fields.has(&HEADERS),
            observe: observe
                .iter()
                .map(|fields| ObserveSection::read(fields, findings))
                .collect(),
        };
        target.check_device_in_ws(findings);
        target
    }

    pub(crate) fn resolve(self) -> Option<plan::TargetSpec> {
        let observe = self.observe.into_iter().map(ObserveSection::resolve);
        let headers = match (self.headers, self.has_headers) {
            (Some(headers), _) => headers.value,
            (None, false) => Vec::new(),
            (None, true) => return None,
        };
        Some(plan::TargetSpec {
            ws: self.ws?.value,
            http: self
                .http
                .map_or_else(Vec::new, |http| trim_base_urls(http.value)),
            dialect: self.dialect?.value,
            trust: self.tls?,
            headers,
            observe: observe.collect::<Option<_>>()?,
        })
    }

    fn check_device_in_ws(&self, findings: &mut DiagnosticSink) {
        let (Some(ws), Some(dialect)) = (&self.ws, &self.dialect) else {
            return;
        };
        let lacks = ws
            .value
            .iter()
            .find(|address| !address.contains(DEVICE_PLACEHOLDER));
        if let (Some(address), Dialect::Highwater) = (lacks, dialect.value) {
            let what = "the highwater dialect needs `{device}` in every address";
            let hint = format!(
                "did you mean \"{address}?device={DEVICE_PLACEHOLDER}\"? dialect = \"plain\" needs none"
            );
            findings.add(ws.location.diagnostic(what).hint(hint));
        }
    }
}

/// Whom to trust, by the keys of `tls`.
fn certificate_trust(
    fields: &TableReader<'_>,
    findings: &mut DiagnosticSink,
) -> Option<plan::CertificateTrust> {
    let ca: Option<Spanned<String>> = fields.read(&CA, findings);
    let verify: Spanned<bool> = fields.read(&VERIFY, findings)?;
    match (ca, verify.value) {
        (Some(_), false) => {
            let finding = verify
                .location
                .diagnostic("an authority that nothing is verified against");
            findings.add(finding.expected("`ca`, or `verify = false`"));
            None
        }
        (Some(ca), true) if ca.value.trim().is_empty() => {
            let finding = ca.location.diagnostic("no path");
            findings.add(finding.expected(ValueType::FilePath.expected()));
            None
        }
        (Some(ca), true) => Some(plan::CertificateTrust::Authorities { file: ca.value }),
        (None, true) => (!fields.has(&CA)).then_some(plan::CertificateTrust::Machine),
        (None, false) => Some(plan::CertificateTrust::Anybody),
    }
}

/// A command's path begins with a slash, so its base does not end with one.
fn trim_base_urls(addresses: Vec<String>) -> Vec<String> {
    let trimmed = |address: String| address.trim_end_matches('/').to_owned();
    addresses.into_iter().map(trimmed).collect()
}

impl ObserveSection {
    fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        if !fields.has(&PROMETHEUS) && !fields.has(&PID) {
            let finding = fields.location().diagnostic("nothing to sample");
            findings.add(finding.expected("`prometheus`, `pid`, or both"));
        }
        if fields.has(&SOCKETS_METRIC) && !fields.has(&PROMETHEUS) {
            let finding = fields
                .location_of(&SOCKETS_METRIC)
                .diagnostic("a metric without its endpoint");
            findings.add(finding.expected("`sockets_metric` beside `prometheus`"));
        }
        Self {
            name: fields.read(&NAME, findings),
            has_prometheus: fields.has(&PROMETHEUS),
            prometheus: fields.read(&PROMETHEUS, findings),
            pid: fields.read(&PID, findings),
            sockets_metric: fields.read(&SOCKETS_METRIC, findings),
        }
    }

    fn resolve(self) -> Option<plan::ObservedProcess> {
        Some(plan::ObservedProcess {
            name: self.name?.value,
            prometheus: self.prometheus.map(|at| at.value),
            pid: self.pid.map(|at| at.value),
            sockets_metric: self.sockets_metric.map(|at| at.value),
        })
    }
}
