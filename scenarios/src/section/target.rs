//! `[target]`: a system that is already running.

use super::{At, Fields, Form, Key, Presence, Section, Spot, address::DEVICE, choice::words};
use crate::{
    diagnostic::Findings,
    plan::{self, Dialect},
};

const WS: Key = Key {
    name: "ws",
    form: Form::WsAddresses,
    presence: Presence::Required,
    about: "WebSocket addresses; clients rotate over them. `{device}` stands for the device's id, and the `highwater` dialect needs it.",
};

pub(crate) const HTTP: Key = Key {
    name: "http",
    form: Form::HttpAddresses,
    presence: Presence::Optional,
    about: "Base addresses for commands; clients rotate over them. Needed when there are `[[commands]]`.",
};

const DIALECT: Key = Key {
    name: "dialect",
    form: Form::Choice(words::<Dialect>),
    presence: Presence::Default("highwater"),
    about: "`highwater`: the reference server's JSON frames, replies are checked. `plain`: WebSocket pings only, and any 2xx answer to a command is its reply.",
};

const TLS_TABLE: Key = Key {
    name: "tls",
    form: Form::Table,
    presence: Presence::Default("{}"),
    about: "How the certificates of `wss` and `https` addresses are verified.",
};

const HEADERS: Key = Key {
    name: "headers",
    form: Form::Headers,
    presence: Presence::Optional,
    about: "Header fields that every socket's opening and every command carries. `${NAME}` is taken from the coordinator's environment when the run starts, and stays out of the record.",
};

const OBSERVED: Key = Key {
    name: "observe",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "Processes to sample beside the load.",
};

pub(crate) static SECTION: Section = Section {
    header: "[target]",
    about: "A system that is already running, in place of `[cluster]`. Events need a cluster.",
    keys: &[WS, HTTP, DIALECT, TLS_TABLE, HEADERS, OBSERVED],
};

const CA: Key = Key {
    name: "ca",
    form: Form::File,
    presence: Presence::Optional,
    about: "PEM file of the only authorities that are trusted. Without it those of the worker's machine are, or Mozilla's where it has none.",
};

const VERIFY: Key = Key {
    name: "verify",
    form: Form::Flag,
    presence: Presence::Default("true"),
    about: "With `false` any certificate is taken, and the report says so.",
};

pub(crate) static TLS: Section = Section {
    header: "[target.tls]",
    about: "Verifying certificates. Sessions are never resumed: each socket is a device of its own and pays for a whole handshake.",
    keys: &[CA, VERIFY],
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Required,
    about: "The node's name in the report.",
};

const PROMETHEUS: Key = Key {
    name: "prometheus",
    form: Form::HttpAddress,
    presence: Presence::Optional,
    about: "Address of a Prometheus text endpoint.",
};

const PID: Key = Key {
    name: "pid",
    form: Form::Count {
        least: 1,
        most: i32::MAX as u64,
    },
    presence: Presence::Optional,
    about: "Process id on this machine.",
};

const SOCKETS_METRIC: Key = Key {
    name: "sockets_metric",
    form: Form::Text,
    presence: Presence::Optional,
    about: "The endpoint's gauge of open sockets, where it is not one that the harness knows.",
};

pub(crate) static OBSERVE: Section = Section {
    header: "[[target.observe]]",
    about: "A process to sample beside the load: an endpoint, a process id, or both.",
    keys: &[NAME, PROMETHEUS, PID, SOCKETS_METRIC],
};

/// A `[target]` whose values are each valid.
#[derive(Debug)]
pub(crate) struct Target {
    ws: Option<At<Vec<String>>>,
    http: Option<At<Vec<String>>>,
    /// Whether `http` is written, readable or not, and where it would be.
    pub(crate) has_http: bool,
    pub(crate) http_spot: Spot,
    pub(crate) dialect: Option<At<Dialect>>,
    tls: Option<plan::Trust>,
    headers: Option<At<Vec<plan::Header>>>,
    has_headers: bool,
    pub(crate) observe: Vec<Observed>,
}

/// An element of `observe`.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) name: Option<At<String>>,
    pub(crate) has_prometheus: bool,
    prometheus: Option<At<String>>,
    pid: Option<At<u32>>,
    sockets_metric: Option<At<String>>,
}

impl Target {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let path_of = |index, _: &_| format!("target.observe[{index}]");
        let observe = fields.elements(&OBSERVED, &OBSERVE, &path_of, findings);
        let target = Self {
            ws: fields.read(&WS, findings),
            http: fields.read(&HTTP, findings),
            has_http: fields.has(&HTTP),
            http_spot: fields.spot_of(&HTTP),
            dialect: fields.read(&DIALECT, findings),
            tls: fields
                .table(&TLS_TABLE, &TLS, findings)
                .and_then(|fields| trust(&fields, findings)),
            headers: fields.read(&HEADERS, findings),
            has_headers: fields.has(&HEADERS),
            observe: observe
                .iter()
                .map(|fields| Observed::read(fields, findings))
                .collect(),
        };
        target.check_device_in_ws(findings);
        target
    }

    pub(crate) fn resolve(self) -> Option<plan::Target> {
        let observe = self.observe.into_iter().map(Observed::resolve);
        let headers = match (self.headers, self.has_headers) {
            (Some(headers), _) => headers.value,
            (None, false) => Vec::new(),
            (None, true) => return None,
        };
        Some(plan::Target {
            ws: self.ws?.value,
            http: self.http.map_or_else(Vec::new, |http| bases(http.value)),
            dialect: self.dialect?.value,
            trust: self.tls?,
            headers,
            observe: observe.collect::<Option<_>>()?,
        })
    }

    fn check_device_in_ws(&self, findings: &mut Findings) {
        let (Some(ws), Some(dialect)) = (&self.ws, &self.dialect) else {
            return;
        };
        let lacks = ws.value.iter().find(|address| !address.contains(DEVICE));
        if let (Some(address), Dialect::Highwater) = (lacks, dialect.value) {
            let what = "the highwater dialect needs `{device}` in every address";
            let hint = format!(
                "did you mean \"{address}?device={DEVICE}\"? dialect = \"plain\" needs none"
            );
            findings.add(ws.spot.finding(what).hint(hint));
        }
    }
}

/// Whom to trust, by the keys of `tls`.
fn trust(fields: &Fields<'_>, findings: &mut Findings) -> Option<plan::Trust> {
    let ca: Option<At<String>> = fields.read(&CA, findings);
    let verify: At<bool> = fields.read(&VERIFY, findings)?;
    match (ca, verify.value) {
        (Some(_), false) => {
            let finding = verify
                .spot
                .finding("an authority that nothing is verified against");
            findings.add(finding.accepted("`ca`, or `verify = false`"));
            None
        }
        (Some(ca), true) if ca.value.trim().is_empty() => {
            let finding = ca.spot.finding("no path");
            findings.add(finding.accepted(Form::File.accepted()));
            None
        }
        (Some(ca), true) => Some(plan::Trust::Authorities { file: ca.value }),
        (None, true) => (!fields.has(&CA)).then_some(plan::Trust::Machine),
        (None, false) => Some(plan::Trust::Anybody),
    }
}

/// A command's path begins with a slash, so its base does not end with one.
fn bases(addresses: Vec<String>) -> Vec<String> {
    let trimmed = |address: String| address.trim_end_matches('/').to_owned();
    addresses.into_iter().map(trimmed).collect()
}

impl Observed {
    fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        if !fields.has(&PROMETHEUS) && !fields.has(&PID) {
            let finding = fields.spot().finding("nothing to sample");
            findings.add(finding.accepted("`prometheus`, `pid`, or both"));
        }
        if fields.has(&SOCKETS_METRIC) && !fields.has(&PROMETHEUS) {
            let finding = fields
                .spot_of(&SOCKETS_METRIC)
                .finding("a metric without its endpoint");
            findings.add(finding.accepted("`sockets_metric` beside `prometheus`"));
        }
        Self {
            name: fields.read(&NAME, findings),
            has_prometheus: fields.has(&PROMETHEUS),
            prometheus: fields.read(&PROMETHEUS, findings),
            pid: fields.read(&PID, findings),
            sockets_metric: fields.read(&SOCKETS_METRIC, findings),
        }
    }

    fn resolve(self) -> Option<plan::Observed> {
        Some(plan::Observed {
            name: self.name?.value,
            prometheus: self.prometheus.map(|at| at.value),
            pid: self.pid.map(|at| at.value),
            sockets_metric: self.sockets_metric.map(|at| at.value),
        })
    }
}
