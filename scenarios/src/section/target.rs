//! `[target]`: a system that is already running.

use super::{At, Fields, Form, Key, Presence, Section, Spot, address::DEVICE, choice::words};
use crate::{
    plan::{self, Dialect},
    problem::Findings,
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

const OBSERVED: Key = Key {
    name: "observe",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "Processes to sample beside the load.",
};

pub(crate) static SECTION: Section = Section {
    header: "[target]",
    about: "A system that is already running, in place of `[cluster]`. Events need a cluster.",
    keys: &[WS, HTTP, DIALECT, OBSERVED],
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
        Some(plan::Target {
            ws: self.ws?.value,
            http: self.http.map_or_else(Vec::new, |http| bases(http.value)),
            dialect: self.dialect?.value,
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
