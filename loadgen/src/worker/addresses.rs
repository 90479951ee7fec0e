//! The system's addresses, compiled for the devices of each pool.

use std::borrow::Cow;

use highwater_scenarios::frames::{AddressTemplate, ValueNames, Values};

use super::values::PoolValues;
use crate::{access::Environment, endpoints::Endpoints};

/// The system's addresses as they are now.
#[derive(Debug)]
pub struct Addresses {
    /// The addresses for the devices of each pool, in the order of the plan.
    pools: Vec<PoolAddresses>,
    /// Base addresses of HTTP for callers that are no device.
    pub http: Vec<String>,
}

/// The addresses for the devices of one pool.
#[derive(Debug, Default)]
pub struct PoolAddresses {
    /// WebSocket addresses.
    pub ws: Vec<AddressTemplate>,
    http: HttpBases,
}

/// Base addresses of HTTP.
#[derive(Debug)]
enum HttpBases {
    /// The addresses that all devices share.
    Common(Vec<String>),
    /// Addresses with values of the device.
    PerDevice(Vec<AddressTemplate>),
}

impl Default for HttpBases {
    fn default() -> Self {
        Self::Common(Vec::new())
    }
}

impl Addresses {
    /// Compiles the addresses for every pool. An address that does not compile is left out; the
    /// check of the plan lets no such address pass.
    pub fn compile(endpoints: &Endpoints, pools: &[PoolValues], environment: &Environment) -> Self {
        let compile = |addresses: &[String], names: &ValueNames| {
            let mut names = names.clone();
            let templates = addresses.iter();
            let templates =
                templates.filter_map(|address| AddressTemplate::parse(address, &mut names).ok());
            templates.collect::<Vec<_>>()
        };
        let common = |templates: &[AddressTemplate]| {
            let all_common = templates.iter().all(AddressTemplate::is_same_for_all);
            let render = |template: &AddressTemplate| template.render(environment);
            all_common.then(|| templates.iter().map(render).collect::<Vec<_>>())
        };
        let pools = pools.iter().map(|pool| {
            let http = compile(&endpoints.http, pool.names());
            PoolAddresses {
                ws: compile(&endpoints.ws, pool.names()),
                http: match common(&http) {
                    Some(bases) => HttpBases::Common(bases),
                    None => HttpBases::PerDevice(http),
                },
            }
        });
        let own_names = ValueNames {
            environment: environment.names(),
            ..ValueNames::default()
        };
        Self {
            pools: pools.collect(),
            http: common(&compile(&endpoints.http, &own_names)).unwrap_or_default(),
        }
    }

    /// Returns the addresses for the devices of a pool.
    pub fn of_pool(&self, pool: u32) -> Option<&PoolAddresses> {
        self.pools.get(pool as usize)
    }
}

impl PoolAddresses {
    /// Returns the base addresses of HTTP for commands to a device.
    pub fn http_for(&self, device: &dyn Values) -> Cow<'_, [String]> {
        match &self.http {
            HttpBases::Common(bases) => Cow::Borrowed(bases),
            HttpBases::PerDevice(templates) => {
                let bases = templates.iter().map(|template| template.render(device));
                Cow::Owned(bases.collect())
            }
        }
    }
}
