//! Option groups that several commands share.
//!
//! - [`scenario`], [`record`], [`baseline`]: the input and the output of a run;
//! - [`backplane`], [`cluster_secret`], [`tls`], [`auth`], [`operators`], [`browsers`],
//!   [`listen`], [`admission`], [`drain`]: options of a node; a gateway shares some;
//! - [`bus`], [`join`]: the bus between a coordinator and workers on many machines;
//!   [`token`]: the secret of a coordinator and its local workers;
//! - [`bind`]: the local addresses of workers' sockets;
//! - [`address`], [`number`], [`time`]: the value parsers of addresses, numbers and durations.

pub(crate) mod address;
pub(crate) mod admission;
pub(crate) mod auth;
pub(crate) mod backplane;
pub(crate) mod baseline;
pub(crate) mod bind;
pub(crate) mod browsers;
pub(crate) mod bus;
pub(crate) mod cluster_secret;
pub(crate) mod drain;
pub(crate) mod join;
pub(crate) mod listen;
pub(crate) mod number;
pub(crate) mod operators;
pub(crate) mod record;
pub(crate) mod scenario;
pub(crate) mod stomp;
pub(crate) mod time;
pub(crate) mod tls;
pub(crate) mod token;

pub(crate) use self::{
    baseline::BaselineArgs, bind::BindArgs, bus::BusArgs, join::JoinArgs, record::RecordArgs,
    scenario::ScenarioArgs, token::TokenArgs,
};
