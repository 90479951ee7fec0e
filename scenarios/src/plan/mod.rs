//! The resolved form of a scenario: everything that a run does, on one timeline.
//!
//! ```text
//! Scenario ─► Plan ─┬─► manifest of the run record
//!                   └─► each worker, which computes its share from the plan and its Segment
//! ```
//!
//! A plan is data: it says everything that a worker needs. Its names are those of the
//! scenario's keys, and they stand in the manifest too.
//!
//! - [`root`]: the plan as a whole;
//! - [`cluster`], [`balancing`]: a cluster that the harness starts;
//! - [`target`], [`observe`]: a system that runs already, and its observed processes;
//!   [`header`]: header fields of their requests;
//! - [`devices`] with [`frames`] and [`mqtt`], [`commands`], [`messages`], [`publish`],
//!   [`telemetry`]: the load;
//! - [`ramp`]: the conditions that hold a pool's ramp;
//! - [`data`], [`login`]: the values that each device of a pool has of its own;
//! - [`event`]: actions on the cluster during the load;
//! - [`gates`]: conditions that the run must meet;
//! - [`word`]: the enums of all of these that a scenario writes as words.

mod balancing;
mod cluster;
mod commands;
mod data;
mod devices;
mod event;
mod frames;
mod gates;
mod header;
mod login;
mod messages;
mod mqtt;
mod observe;
mod publish;
mod ramp;
mod root;
mod stomp;
mod target;
mod telemetry;
mod word;

pub use self::{
    balancing::{BalancerKind, BalancerLoadMetric, BalancerPolicy, Join, MAX_BALANCERS},
    cluster::{BackplaneSpec, BrokerSpec, ClusterSpec, Routing},
    commands::{CommandLoad, CommandMethod, LoadModel, ReplyMode},
    data::{DataRows, DataSpec},
    devices::{DevicePool, Jitter, ReconnectSpec},
    event::{Action, BROKER_NAME, CLUSTER_NAME, EventSpec, FaultSpec, TELEMETRY_BROKER_NAME},
    frames::{
        AnswerRule, FrameSpec, HeartbeatFrames, JsonExpectation, MatchSpec, OpenStep, PoolFrames,
        TakeSource, TakeSpec,
    },
    gates::{Gate, PhaseWindow},
    header::HttpHeader,
    login::{LoginBody, LoginMethod, LoginSpec},
    messages::MessageLoad,
    mqtt::{MqttFrame, MqttMatch},
    observe::{BasicCredentials, ObservedProcess, OwnMetric},
    publish::{DeviceRole, PublishFrom, PublishLoad},
    ramp::{HoldWhen, RampControl},
    root::{Plan, SystemSpec},
    stomp::{StompAck, StompSpec, StompSubscription},
    target::{CertificateTrust, ClientCertificate, Compression, Dialect, TargetSpec},
    telemetry::{Consumers, MAX_TELEMETRY, TelemetryLoad},
};
pub(crate) use self::{
    devices::find_pool,
    event::{EventKind, FaultKind, FaultSize, NodeEffect, TargetKind},
    observe::numbered_names,
    publish::TOPIC_NUMBER_PLACEHOLDER,
    stomp::STOMP_SUBPROTOCOLS,
    word::Word,
};
