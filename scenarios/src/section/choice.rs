//! Values that are one of a few words.

use crate::plan::{
    BalancerKind, BalancerLoadMetric, BalancerPolicy, Dialect, Jitter, Join, PhaseWindow,
    PublishFrom, ReplyMode, Routing,
};

/// An enum written as a word.
pub(crate) trait Choice: Copy + PartialEq + 'static {
    /// Every word that is accepted now, and what it means.
    const ALL: &'static [(&'static str, Self)];

    /// The word for this value.
    fn as_str(self) -> &'static str {
        let entry = Self::ALL.iter().find(|(_, value)| *value == self);
        entry.map_or("", |(word, _)| word)
    }
}

/// The words of a choice.
pub(crate) fn choices<C: Choice>() -> Vec<&'static str> {
    C::ALL.iter().map(|(word, _)| *word).collect()
}

/// What an event does, before its own keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    AddNode,
    KillNode,
    RestartNode,
    DrainNode,
    PauseNode,
    ResumeNode,
    KillBroker,
    RestartBroker,
    PauseBroker,
    ResumeBroker,
    KillConsumer,
    RestartConsumer,
    Rebalance,
    Fault,
}

/// What a deed is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    Node,
    Consumer,
    Broker,
    Cluster,
}

impl EventKind {
    pub(crate) fn target_kind(self) -> TargetKind {
        match self {
            Self::KillBroker | Self::RestartBroker | Self::PauseBroker | Self::ResumeBroker => {
                TargetKind::Broker
            }
            Self::KillConsumer | Self::RestartConsumer => TargetKind::Consumer,
            Self::Rebalance => TargetKind::Cluster,
            Self::AddNode
            | Self::KillNode
            | Self::RestartNode
            | Self::DrainNode
            | Self::PauseNode
            | Self::ResumeNode
            | Self::Fault => TargetKind::Node,
        }
    }
}

/// Which fault, before its own keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Stall,
    IgnorePings,
    DropMessages,
    DuplicateMessages,
    ReorderMessages,
}

impl Choice for BalancerKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("gateway", Self::Gateway),
        ("nginx", Self::Nginx),
        ("haproxy", Self::Haproxy),
    ];
}

impl Choice for BalancerPolicy {
    const ALL: &'static [(&'static str, Self)] = &[
        ("round-robin", Self::RoundRobin),
        ("least-conn", Self::LeastConn),
        ("p2c", Self::P2c),
        ("random", Self::Random),
    ];
}

impl Choice for BalancerLoadMetric {
    const ALL: &'static [(&'static str, Self)] =
        &[("sockets", Self::Sockets), ("heap", Self::Heap)];
}

impl Choice for Routing {
    const ALL: &'static [(&'static str, Self)] = &[
        ("directory", Self::Directory),
        ("broadcast", Self::Broadcast),
    ];
}

impl Choice for Join {
    const ALL: &'static [(&'static str, Self)] = &[
        ("discovery", Self::Discovery),
        ("reload", Self::Reload),
        ("runtime", Self::Runtime),
        ("predeclared", Self::Predeclared),
    ];
}

impl Choice for Dialect {
    const ALL: &'static [(&'static str, Self)] =
        &[("highwater", Self::Highwater), ("plain", Self::Plain)];
}

impl Choice for Jitter {
    const ALL: &'static [(&'static str, Self)] = &[("full", Self::Full), ("none", Self::None)];
}

impl Choice for ReplyMode {
    const ALL: &'static [(&'static str, Self)] = &[("rest", Self::Rest), ("sse", Self::Sse)];
}

impl Choice for PublishFrom {
    const ALL: &'static [(&'static str, Self)] = &[("rest", Self::Rest), ("device", Self::Device)];
}

impl Choice for PhaseWindow {
    const ALL: &'static [(&'static str, Self)] = &[
        ("ramp", Self::Ramp),
        ("steady", Self::Steady),
        ("drain", Self::Drain),
        ("run", Self::Run),
    ];
}

impl Choice for EventKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("add-node", Self::AddNode),
        ("kill-node", Self::KillNode),
        ("restart-node", Self::RestartNode),
        ("drain-node", Self::DrainNode),
        ("pause-node", Self::PauseNode),
        ("resume-node", Self::ResumeNode),
        ("kill-broker", Self::KillBroker),
        ("restart-broker", Self::RestartBroker),
        ("pause-broker", Self::PauseBroker),
        ("resume-broker", Self::ResumeBroker),
        ("kill-consumer", Self::KillConsumer),
        ("restart-consumer", Self::RestartConsumer),
        ("rebalance", Self::Rebalance),
        ("fault", Self::Fault),
    ];
}

impl Choice for FaultKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("stall", Self::Stall),
        ("ignore-pings", Self::IgnorePings),
        ("drop-messages", Self::DropMessages),
        ("duplicate-messages", Self::DuplicateMessages),
        ("reorder-messages", Self::ReorderMessages),
    ];
}
