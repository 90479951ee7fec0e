//! The broker's end of the handshake.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};

use crate::{
    backplane::{
        ClusterSecret,
        cluster_secret::ProofSubject,
        decode_frame, encode_frame,
        local::{
            handshake::{Claim, FromPeer, HandshakeReply, Nonce, Transcript, nonce, split_proof},
            protocol::{FrameReader, FrameWriter, PROTOCOL_VERSION},
        },
    },
    clock::{is_plausible_incarnation, is_plausible_raise},
};

/// The claim of a peer that is accepted, or the reason of the rejection.
pub(super) type Introduced = Result<Claim, RejectedPeer>;

/// A rejection of a peer.
#[derive(Debug)]
pub(super) struct RejectedPeer {
    pub(super) failure: HandshakeFailure,
    /// The reason that the peer gets.
    pub(super) reason: String,
}

/// The reason why a handshake fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HandshakeFailure {
    /// The peer did not finish it in time.
    TimedOut,
    /// The peer closed the connection, or sent a frame that is too long.
    Broken,
    /// The peer speaks another version, or claims what cannot be.
    Invalid,
    /// The peer does not know the cluster secret.
    NotProved,
}

/// Introduces the broker to a peer and checks the peer's proof.
pub(super) async fn accept(
    reader: &mut FrameReader,
    writer: &mut FrameWriter,
    secret: Option<&ClusterSecret>,
) -> io::Result<Introduced> {
    let peer_nonce = match parse_hello(&next_frame(reader).await?) {
        Ok(nonce) => nonce,
        Err(reason) => return Ok(Err(RejectedPeer::invalid(reason))),
    };
    let broker_nonce: Nonce = rand::random();
    let challenge = encode_frame(&HandshakeReply::Challenge, &broker_nonce);
    writer.send(challenge).await?;
    let (claim, proof) = split_proof(&next_frame(reader).await?, secret);
    let transcript = Transcript {
        peer_nonce,
        broker_nonce,
        claim,
    };
    if !transcript.verify(ProofSubject::Peer, secret, &proof) {
        return Ok(Err(RejectedPeer {
            failure: HandshakeFailure::NotProved,
            reason: NOT_PROVED.to_owned(),
        }));
    }
    let claim = match parse_claim(&transcript.claim) {
        Ok(claim) => claim,
        Err(reason) => return Ok(Err(RejectedPeer::invalid(reason))),
    };
    let proof = transcript.prove(ProofSubject::Broker, secret);
    let accepted = encode_frame(&HandshakeReply::Accepted, &proof);
    writer.send(accepted).await?;
    reader.decoder_mut().accept_peer();
    Ok(Ok(claim))
}

impl RejectedPeer {
    fn invalid(reason: String) -> Self {
        Self {
            failure: HandshakeFailure::Invalid,
            reason,
        }
    }
}

/// The longest `HOST:PORT`: a name of 253 bytes, and a port.
const MAX_ADDRESS_BYTES: usize = 253 + 6;

const NOT_A_HELLO: &str = "invalid first frame: expected a hello";
const NOT_A_CLAIM: &str = "invalid second frame: expected a claim";
const NOT_PROVED: &str = "cannot accept this process: it does not prove the cluster secret; \
                          hint: give it the broker's --cluster-secret-file";

fn parse_hello(frame: &Bytes) -> Result<Nonce, String> {
    match decode_frame(frame) {
        // First, because the rest may have another meaning in another version.
        Some((FromPeer::Hello { protocol }, _)) if protocol != PROTOCOL_VERSION => Err(format!(
            "invalid protocol version {protocol}: expected {PROTOCOL_VERSION}"
        )),
        Some((FromPeer::Hello { .. }, payload)) => {
            nonce(&payload).ok_or_else(|| NOT_A_HELLO.to_owned())
        }
        None => Err(NOT_A_HELLO.to_owned()),
    }
}

fn parse_claim(frame: &Bytes) -> Result<Claim, String> {
    let (claim, _) = decode_frame(frame).ok_or(NOT_A_CLAIM)?;
    if let Claim::Member {
        identity,
        last_version,
    } = &claim
    {
        // The broker continues from this version: a lie would hold for every member.
        if !is_plausible_raise(*last_version) {
            return Err(too_far_ahead("view version", *last_version));
        }
        if !is_plausible_incarnation(identity.incarnation) {
            return Err(too_far_ahead("incarnation", identity.incarnation));
        }
        // Each view carries the addresses of all members.
        let address_bytes = identity.address.as_ref().map_or(0, String::len);
        if address_bytes > MAX_ADDRESS_BYTES {
            return Err(format!(
                "invalid address of {address_bytes} bytes: expected at most {MAX_ADDRESS_BYTES}"
            ));
        }
    }
    Ok(claim)
}

fn too_far_ahead(what: &str, found: u64) -> String {
    format!(
        "invalid {what} {found}: it lies far ahead of the broker's clock; \
         hint: set the clocks of both machines"
    )
}

/// Reads a frame. The caller limits the time of the whole handshake.
async fn next_frame(reader: &mut FrameReader) -> io::Result<Bytes> {
    let frame = reader.next().await.transpose()?;
    frame
        .map(BytesMut::freeze)
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::Identity;

    #[test]
    fn hello_of_another_version_is_rejected_with_both_versions() {
        let hello = |protocol, payload: &[u8]| {
            parse_hello(&encode_frame(&FromPeer::Hello { protocol }, payload))
        };
        assert_eq!(hello(PROTOCOL_VERSION, &[7; 32]), Ok([7; 32]));
        // The rest of a hello before version 5 is not a nonce.
        let error = hello(4, b"n1").unwrap_err();
        assert_eq!(error, "invalid protocol version 4: expected 6");
        for invalid in [
            hello(PROTOCOL_VERSION, &[7; 31]),
            parse_hello(&Bytes::from_static(&[0xff; 9])),
        ] {
            assert_eq!(invalid.unwrap_err(), NOT_A_HELLO);
        }
    }

    #[test]
    fn claim_of_the_far_future_is_rejected() {
        let parse = |incarnation, last_version| {
            let identity = Identity::of_node("n", incarnation);
            let claim = Claim::Member {
                identity,
                last_version,
            };
            parse_claim(&encode_frame(&claim, &[]))
        };
        assert!(parse(1, 7).is_ok());
        for (claim, reason) in [
            (parse(1, (1 << 38) - 2), "view version"),
            (parse(1 << 63, 7), "incarnation"),
            (parse_claim(&Bytes::from_static(&[0xff; 9])), NOT_A_CLAIM),
        ] {
            let error = claim.unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
