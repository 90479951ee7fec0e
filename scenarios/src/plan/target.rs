//! A system that is already running.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{HttpHeader, ObservedProcess, StompSpec};

/// A system that is already running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// WebSocket addresses with placeholders; clients rotate over them.
    pub ws: Vec<String>,
    /// Base addresses for commands, with placeholders; clients rotate over them. Empty when the scenario sends no
    /// commands.
    pub http: Vec<String>,
    /// The protocol of devices and commands.
    pub dialect: Dialect,
    /// The preset that the scenario names. The plan holds the keys that it stands for.
    #[serde(default)]
    pub preset: Option<String>,
    /// The certificates that clients trust.
    // Keys with a default are younger than the first records, which are still read.
    #[serde(default)]
    pub trust: CertificateTrust,
    /// The certificate that clients show, if the system asks for one.
    #[serde(default)]
    pub client_certificate: Option<ClientCertificate>,
    /// The name that certificates are verified for and that clients ask for, in place of the
    /// hosts of addresses with TLS.
    #[serde(default)]
    pub server_name: Option<String>,
    /// The address of the HTTP proxy that sockets and commands go through:
    /// `http://[USER:PASSWORD@]HOST:PORT`.
    #[serde(default)]
    pub proxy: Option<String>,
    /// The compression that every upgrade request offers.
    #[serde(default)]
    pub compression: Compression,
    /// Header fields that every socket's opening and every command carries, with placeholders
    /// in their values.
    #[serde(default)]
    pub headers: Vec<HttpHeader>,
    /// The subprotocols that every upgrade request offers, best first.
    #[serde(default)]
    pub subprotocol: Vec<String>,
    /// The CONNECT frame of STOMP; `None` in other dialects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stomp: Option<StompSpec>,
    /// Processes to sample beside the load.
    pub observe: Vec<ObservedProcess>,
}

/// The protocol of devices and commands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Dialect {
    /// The reference server's JSON frames: devices answer commands, and each reply is checked
    /// against its command.
    Highwater,
    /// WebSocket pings only; text is read and ignored, and any 2xx answer to a command counts
    /// as its reply.
    Plain,
    /// Sessions of STOMP 1.2, 1.1 or 1.0; any 2xx answer to a command counts as its reply.
    Stomp,
}

/// The features of a dialect on which the rules of a scenario depend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DialectFeatures {
    /// Whether devices subscribe to topics and publish.
    pub(crate) topics: bool,
    /// Whether devices send telemetry.
    pub(crate) telemetry: bool,
    /// Whether a reply names the node that owned the device's socket.
    pub(crate) owner: bool,
    /// Whether every WebSocket address must name the device.
    pub(crate) device_in_address: bool,
    /// Whether a subscriber receives the messages that it publishes itself.
    pub(crate) own_messages: bool,
    /// The start of a topic's name in the place of `[[publish]]`'s own default.
    pub(crate) topic_prefix: &'static str,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;

    pub(crate) fn features(self) -> DialectFeatures {
        match self {
            Self::Highwater => DialectFeatures {
                topics: true,
                telemetry: true,
                owner: true,
                device_in_address: true,
                own_messages: false,
                topic_prefix: "",
            },
            Self::Plain => DialectFeatures {
                topics: false,
                telemetry: false,
                owner: false,
                device_in_address: false,
                own_messages: false,
                topic_prefix: "",
            },
            Self::Stomp => DialectFeatures {
                topics: true,
                telemetry: false,
                owner: false,
                device_in_address: false,
                own_messages: true,
                topic_prefix: "/topic/",
            },
        }
    }
}

/// The certificates that clients trust.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateTrust {
    /// Certificates that the authorities of the worker's machine vouch for.
    #[default]
    Machine,
    /// Certificates that the authorities of a PEM file vouch for.
    Authorities {
        /// The path of the file. A relative path was written from the scenario's folder, and
        /// begins where the coordinator was started.
        file: String,
    },
    /// Every certificate.
    Anybody,
}

/// The files of the certificate that clients show, seen from where the coordinator was
/// started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// The path of the certificate and those that signed it, in PEM.
    pub certificate: String,
    /// The path of its private key, in PEM.
    pub key: String,
}

/// The compression of messages that devices offer.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Compression {
    /// No compression.
    #[default]
    None,
    /// RFC 7692, where each message is compressed on its own.
    PermessageDeflate,
    /// RFC 7692 as browsers offer it: a message may refer to those before it.
    PermessageDeflateContext,
}
