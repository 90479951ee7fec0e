//! The tables of the format. Each file declares one table's keys and turns the values into
//! a part of the plan.
//!
//! ```text
//! TomlTable ─► TableReader ─► a section: one Field per key ─► rules ─► resolve ─► plan
//!                  ▲
//!   section! {…} ──┘  also gives the reference, `--set` and the list of settings
//! ```
//!
//! A new key is one declaration in its table's file. If its value is new to the plan, the
//! plan's struct and the section's `resolve` get it too, and the compiler asks for both.
//!
//! - [`schema`]: what is known of a key and a table;
//! - [`declaration`]: the macro `section!`;
//! - [`field`], [`table_reader`], [`nested`]: values, tables and lists being read;
//! - the tables, in the order of the reference: [`cluster`] with [`broker`], [`target`] with
//!   [`target_tls`], [`target_stomp`] and [`observe`], [`devices`] with [`ramp`],
//!   [`login`], [`heartbeat`], [`open_step`], [`answer`], [`subscription`] and [`reconnect`],
//!   [`commands`] and [`messages`] with [`model_keys`], [`publish`], [`telemetry`], [`events`], [`gates`], [`matrix`].

#[macro_use]
mod declaration;
mod field;
mod model_keys;
mod nested;
mod schema;
mod table_reader;

pub(crate) mod answer;
pub(crate) mod broker;
pub(crate) mod cluster;
pub(crate) mod commands;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod gates;
pub(crate) mod heartbeat;
pub(crate) mod login;
pub(crate) mod matrix;
pub(crate) mod messages;
pub(crate) mod observe;
pub(crate) mod open_step;
pub(crate) mod publish;
pub(crate) mod ramp;
pub(crate) mod reconnect;
pub(crate) mod subscription;
pub(crate) mod target;
pub(crate) mod target_stomp;
pub(crate) mod target_tls;
pub(crate) mod telemetry;

pub use self::schema::Comparability;
pub(crate) use self::{
    field::Field,
    model_keys::ModelKeys,
    nested::{list, named_list, sub_table, table_or_key},
    schema::{Key, KeyPresence, KeySchema, ListSchema, Nested, SectionSchema},
    table_reader::{ReadKey, Section, TableReader, key},
};
