//! `net.ipv4.ip_local_port_range`: connections from one source address to one
//! destination address and port.
//!
//! Towards 127.0.0.0/8 they are no limit: the harness connects from many
//! addresses there.

use highwater_scenarios::format;

use super::{Constraint, Judgement, Most, Remedy};
use crate::doctor::{
    host_role::Demand,
    limits::{self, Limits},
    plan_load::{Busiest, Load},
};

/// A range is as wide as it gets from here on.
const WIDE: u64 = 60_000;

pub(super) struct Ports;

impl Constraint for Ports {
    fn name(&self) -> &'static str {
        "ephemeral ports"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        match (demand.one_destination, limits.ports) {
            (false, _) => Most::Any,
            (true, Some(ports)) => Most::Sockets(ports.count()),
            (true, None) => Most::Unknown,
        }
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.ports {
            Some(ports) => format!("{} ports a target", format::count(ports.count())),
            None => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, _demand: &Demand, _wanted: u64) -> Remedy {
        widen(limits.ports)
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        let Some(Busiest {
            address,
            connections,
        }) = &load.busiest
        else {
            return Judgement::Fits;
        };
        if *connections == 0 {
            return Judgement::Fits;
        }
        let Some(ports) = limits.ports else {
            return Judgement::Unknown;
        };
        let to = format!("{} connections to {address}", format::count(*connections));
        if *connections > ports.count() {
            let what = format!(
                "{to}, and one source address reaches one address and port {} times",
                format::count(ports.count())
            );
            return Judgement::TooMuch(what, widen(limits.ports));
        }
        if *connections > ports.knee() {
            let what = format!(
                "{to}: past {} the kernel searches long for each free port, and connects get slow",
                format::count(ports.knee())
            );
            return Judgement::Doubtful(what, widen(limits.ports));
        }
        Judgement::Fits
    }
}

fn widen(ports: Option<limits::Ports>) -> Remedy {
    let others =
        "add workers on other machines (highwater coordinator), or addresses of the target";
    match ports {
        Some(ports) if ports.count() >= WIDE => {
            Remedy::new(format!("The range is wide already: {others}."))
        }
        _ => Remedy::new(format!(
            "Widen the range (64,512 ports, the knee at 32,256), or {others}:"
        ))
        .with("sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""),
    }
}
