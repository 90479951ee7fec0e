//! Readings at the broker: from nodes, through groups, to consumers.
//!
//! In reading order: [`wire`] (what goes over the connections), `readings` (what the
//! broker holds), `members` (one group), `groups` (all of them), `serve` (the two
//! kinds of connection).

mod groups;
mod members;
mod readings;
mod serve;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub(super) use self::{
    groups::Groups,
    serve::{consumer, producer},
};
