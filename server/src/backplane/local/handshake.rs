//! The handshake of the embedded broker.
//!
//! Both ends prove that they know the cluster secret, before either acts on what the other
//! says. A proof covers both nonces and the claim, so it is valid for one connection.
//!
//! ```text
//! peer                            broker
//!  Hello, nonce        ──►
//!                      ◄──         Challenge, nonce
//!  Claim, proof        ──►
//!                      ◄──         Accepted, proof    or Rejected
//! ```
//!
//! If there is no secret, the proofs are empty, and both ends must be on one machine. The
//! frames after the handshake are neither signed nor encrypted.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::protocol::{FrameReader, FrameWriter, PROTOCOL_VERSION};
use crate::{
    backplane::{
        ClusterSecret, Identity,
        cluster_secret::{PROOF_BYTES, ProofSubject},
        envelope::{decode_frame, encode_frame},
    },
    id::ConsumerGroup,
};

/// The time that a peer waits for each answer of the broker.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// A random number that one end chooses for one connection.
pub(crate) type Nonce = [u8; 32];

/// The first frame of a peer. The payload is its nonce.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromPeer {
    /// The first variant, with the version first: earlier versions of the protocol begin in
    /// the same way, so the broker can name the version in its answer.
    Hello { protocol: u16 },
}

/// The part that a peer wants to play. The payload is the peer's proof.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Claim {
    /// A member. `last_version` is the last view that it has seen, so that versions keep
    /// growing when the broker restarts. Its further frames are [`super::protocol::ToBroker`].
    Member {
        identity: Identity,
        last_version: u64,
    },
    /// A node that sends telemetry. It names the consumer groups that the node knows. Its
    /// further frames are in `ingest::local_protocol`, and so are those of a consumer.
    Producer { groups: Vec<ConsumerGroup> },
    /// A consumer of telemetry.
    Consumer { group: ConsumerGroup, name: String },
    /// An operator, who lists the consumer groups and may remove one before.
    Operator {
        removed_group: Option<ConsumerGroup>,
    },
}

/// A frame of the broker during the handshake.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum HandshakeReply {
    /// The peer is not accepted; the connection ends. The first variant of every kind of
    /// frame from the broker, so that peers of other versions can read the reason.
    Rejected { reason: String },
    /// The payload is the broker's nonce.
    Challenge,
    /// The payload is the broker's proof.
    Accepted,
}

/// The parts of a handshake that both proofs cover.
pub(crate) struct Transcript {
    pub(crate) peer_nonce: Nonce,
    pub(crate) broker_nonce: Nonce,
    /// The encoded claim.
    pub(crate) claim: Bytes,
}

impl Transcript {
    /// Returns the proof of one end: empty without a secret.
    pub(crate) fn prove(&self, subject: ProofSubject, secret: Option<&ClusterSecret>) -> Vec<u8> {
        secret.map_or_else(Vec::new, |secret| {
            secret.prove(subject, &self.parts()).to_vec()
        })
    }

    /// Whether the proof of the other end is right. Without a secret, any is.
    pub(crate) fn verify(
        &self,
        subject: ProofSubject,
        secret: Option<&ClusterSecret>,
        proof: &[u8],
    ) -> bool {
        secret.is_none_or(|secret| secret.verify(subject, &self.parts(), proof))
    }

    fn parts(&self) -> [&[u8]; 3] {
        [&self.peer_nonce, &self.broker_nonce, &self.claim]
    }
}

/// Introduces a peer to the broker at the other end, and checks the broker's proof.
pub(crate) async fn introduce(
    reader: &mut FrameReader,
    writer: &mut FrameWriter,
    claim: &Claim,
    secret: Option<&ClusterSecret>,
) -> io::Result<()> {
    let broker = reader.get_ref().peer_addr()?.ip().to_canonical();
    if secret.is_none() && !broker.is_loopback() {
        return Err(io::Error::other(
            "the embedded broker is on another machine and there is no cluster secret; \
             hint: give all processes of the cluster the same --cluster-secret-file",
        ));
    }
    let peer_nonce: Nonce = rand::random();
    let protocol = PROTOCOL_VERSION;
    writer
        .send(encode_frame(&FromPeer::Hello { protocol }, &peer_nonce))
        .await?;
    let (HandshakeReply::Challenge, broker_nonce) = read_reply(reader).await? else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let transcript = Transcript {
        peer_nonce,
        broker_nonce: nonce(&broker_nonce).ok_or(io::ErrorKind::InvalidData)?,
        claim: encode_frame(claim, &[]),
    };
    let proof = transcript.prove(ProofSubject::Peer, secret);
    writer.send(encode_frame(claim, &proof)).await?;
    match read_reply(reader).await? {
        (HandshakeReply::Accepted, proof)
            if transcript.verify(ProofSubject::Broker, secret, &proof) =>
        {
            reader.decoder_mut().accept_peer();
            Ok(())
        }
        (HandshakeReply::Accepted, _) => Err(io::Error::other(
            "the embedded broker does not know the cluster secret; \
             hint: start it with the same --cluster-secret-file",
        )),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Returns the nonce that a payload is.
pub(crate) fn nonce(payload: &[u8]) -> Option<Nonce> {
    payload.try_into().ok()
}

/// Splits a frame into the encoded claim and the proof behind it.
pub(crate) fn split_proof(frame: &Bytes, secret: Option<&ClusterSecret>) -> (Bytes, Bytes) {
    let proof_bytes = secret.map_or(0, |_| PROOF_BYTES);
    let claim_bytes = frame.len().saturating_sub(proof_bytes);
    (frame.slice(..claim_bytes), frame.slice(claim_bytes..))
}

async fn read_reply(reader: &mut FrameReader) -> io::Result<(HandshakeReply, Bytes)> {
    let frame = timeout(ANSWER_TIMEOUT, reader.next()).await?.transpose()?;
    let frame = frame.ok_or(io::ErrorKind::UnexpectedEof)?.freeze();
    match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
        (HandshakeReply::Rejected { reason }, _) => Err(io::Error::other(reason)),
        reply => Ok(reply),
    }
}
