//! Option groups that several commands share.
//!
//! - [`scenario`], [`record`]: the input and the output of a run;
//! - [`backplane`], [`tls`], [`auth`], [`admission`], [`drain`]: options of a node; a
//!   gateway shares some;
//! - [`address`], [`time`]: the value parsers of addresses and durations.

pub(crate) mod address;
pub(crate) mod admission;
pub(crate) mod auth;
pub(crate) mod backplane;
pub(crate) mod drain;
pub(crate) mod record;
pub(crate) mod scenario;
pub(crate) mod time;
pub(crate) mod tls;

pub(crate) use self::{record::RecordArgs, scenario::ScenarioArgs};
