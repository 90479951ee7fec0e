//! Readings at the broker: from nodes, through groups, to consumers.
//!
//! In reading order: [`wire`] (what goes over the connections), `groups` (who has
//! what in hand), `serve` (the two kinds of connection).

mod groups;
mod serve;
pub(crate) mod wire;

pub(super) use self::{
    groups::Groups,
    serve::{consumer, producer},
};
