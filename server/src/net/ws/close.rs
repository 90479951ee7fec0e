//! The table of close codes: the reasons why a device socket ends. `docs/protocol.md` shows it
//! too.

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Every way a device socket ends.
///
/// | reason      | code | sent by | come back?                         |
/// |-------------|------|---------|------------------------------------|
/// | device      | 1000 | device  | as it likes                        |
/// | lost        |  –   | nobody  | yes, with backoff                  |
/// | protocol    | 1002 | node    | no: the device is broken           |
/// | binary      | 1003 | node    | no: the device is broken           |
/// | bad_payload | 1007 | node    | no: the device is broken           |
/// | policy      | 1008 | node    | no: the device asks for too much   |
/// | too_big     | 1009 | node    | no: the device is broken           |
/// | drain       | 1012 | node    | yes, spread over the goaway window |
/// | rebalance   | 1012 | node    | yes, spread over the goaway window |
/// | aged        | 1012 | node    | yes, spread over the goaway window |
/// | slow        | 1013 | node    | yes, with backoff                  |
/// | partial_message_limit | 1013 | node    | yes, with backoff                  |
/// | replaced    | 4000 | node    | no: a newer connection took over   |
/// | idle        | 4001 | node    | yes, with backoff                  |
/// | expired     | 4003 | node    | yes, with a new token              |
/// | unauthorized | 4004 | node    | yes, with a valid token            |
/// | broker_lost | 1013 | node    | yes, with backoff                  |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CloseReason {
    Device,
    ConnectionLost,
    Protocol,
    Binary,
    BadPayload,
    Policy,
    TooBig,
    Drain,
    Rebalance,
    MaxAge,
    SlowConsumer,
    PartialMessageLimit,
    Replaced,
    Idle,
    Expired,
    Unauthorized,
    BrokerLost,
}

impl CloseReason {
    pub(crate) const ALL: [Self; 17] = [
        Self::Device,
        Self::ConnectionLost,
        Self::Protocol,
        Self::Binary,
        Self::BadPayload,
        Self::Policy,
        Self::TooBig,
        Self::Drain,
        Self::Rebalance,
        Self::MaxAge,
        Self::SlowConsumer,
        Self::PartialMessageLimit,
        Self::Replaced,
        Self::Idle,
        Self::Expired,
        Self::Unauthorized,
        Self::BrokerLost,
    ];

    /// Returns the label in `highwater_sockets_closed_total`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::ConnectionLost => "lost",
            Self::Protocol => "protocol",
            Self::Binary => "binary",
            Self::BadPayload => "bad_payload",
            Self::Policy => "policy",
            Self::TooBig => "too_big",
            Self::Drain => "drain",
            Self::Rebalance => "rebalance",
            Self::MaxAge => "aged",
            Self::SlowConsumer => "slow",
            Self::PartialMessageLimit => "partial_message_limit",
            Self::Replaced => "replaced",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::Unauthorized => "unauthorized",
            Self::BrokerLost => "broker_lost",
        }
    }

    /// Returns the code on the wire.
    pub(crate) fn code(self) -> u16 {
        let code = match self {
            Self::Device | Self::ConnectionLost => CloseCode::Normal,
            Self::Protocol => CloseCode::Protocol,
            Self::Binary => CloseCode::Unsupported,
            Self::BadPayload => CloseCode::Invalid,
            Self::Policy => CloseCode::Policy,
            Self::TooBig => CloseCode::Size,
            Self::Drain | Self::Rebalance | Self::MaxAge => CloseCode::Restart,
            Self::SlowConsumer | Self::PartialMessageLimit | Self::BrokerLost => CloseCode::Again,
            // From 4000 on, codes are for private use (RFC 6455, section 7.4.2).
            Self::Replaced => CloseCode::Library(4000),
            Self::Idle => CloseCode::Library(4001),
            Self::Expired => CloseCode::Library(4003),
            Self::Unauthorized => CloseCode::Library(4004),
        };
        code.into()
    }

    /// Returns the reason on the wire.
    pub(crate) fn text(self) -> &'static str {
        // A control frame has at most 125 bytes (RFC 6455, section 5.5), two of them the code: a
        // text has at most 123.
        match self {
            Self::Device | Self::ConnectionLost => "",
            Self::Protocol => "protocol error",
            Self::Binary => "binary frames are not spoken here",
            Self::BadPayload => "not a frame this node understands",
            Self::Policy => "too many topics or changes of them, or a name that is not allowed",
            Self::TooBig => "message too big",
            Self::Drain => "node restarts",
            Self::Rebalance => "other nodes have more room",
            Self::MaxAge => "open for long enough: come back",
            Self::SlowConsumer => "slow consumer",
            Self::PartialMessageLimit => "no room for messages that are not complete",
            Self::Replaced => "replaced by a newer connection",
            Self::Idle => "idle for too long",
            Self::Expired => "the token has expired",
            Self::Unauthorized => "the token is missing or not valid",
            Self::BrokerLost => "the message broker cannot be reached",
        }
    }
}
