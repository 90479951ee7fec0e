//! Rules over several values, each of which is valid by itself. Each file holds the rules
//! of one subject and adds every problem that it finds.
//!
//! - [`all`]: the list of all rules;
//! - one table: [`target`], [`observe`], [`reconnect`], [`login`], [`frames`], [`commands`] and
//!   [`messages`] with [`load_model`], [`events`];
//! - one dialect: [`stomp`];
//! - several tables: [`system`], [`backplane`], [`balancer`], [`names`], [`pool`],
//!   [`publish`], [`telemetry`], [`values`], [`phase_bounds`], [`gates`];
//! - the order of events: [`schedule`], [`node_events`], [`broker_events`], [`consumer_events`].

mod all;
mod backplane;
mod balancer;
mod broker_events;
mod commands;
mod consumer_events;
mod events;
mod frames;
mod gates;
mod load_model;
mod login;
mod messages;
mod names;
mod node_events;
mod observe;
mod phase_bounds;
mod pool;
mod publish;
mod reconnect;
mod schedule;
mod stomp;
mod system;
mod target;
mod telemetry;
mod values;

pub(crate) use self::all::check;
