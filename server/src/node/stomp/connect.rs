//! The opening of a session: version, token, heart-beats.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use highwater_stomp::{Connect, Connected, Frame, HeartBeat, HeartBeatIntervals, Version};

use super::{
    destination::MAX_USER_BYTES,
    error::StompError,
    handler::StompHandler,
    handshake::StompHandshake,
    relayed::RelayLogin,
    state::{HeartBeats, Identity, StompPhase},
};
use crate::{
    auth::{AuthError, Grant, RejectedToken, TokenAccount},
    net::ws::close::CloseReason,
    node::Node,
    session::{Session, session::whole_seconds},
};

/// The name of this server in CONNECTED.
const SERVER: &str = concat!("highwater/", env!("CARGO_PKG_VERSION"));
/// The header of CONNECTED with the name of the user, as clients of other brokers expect it.
const USER_NAME: &str = "user-name";

impl StompHandler {
    /// Opens the session, or says why not. With a relay, it is open once the broker says so.
    pub(super) fn connect(&self, session: &Arc<Session>, frame: &Frame) -> Result<(), StompError> {
        let connect = Connect::from_frame(frame)?;
        let handshake = self.take_handshake()?;
        let grant = authenticate(&self.node, handshake, connect.passcode.as_deref())?;
        let now = self.node.sessions.wheel.now();
        {
            let mut inner = self.state.lock();
            inner.liveness.expires_s = grant.as_ref().map_or(0, |grant| expiry(now, grant));
            inner.heart_beat = connect.heart_beat;
        }
        let has_token = grant.is_some();
        let identity = identity(session, grant, connect.login.clone())?;
        {
            let mut inner = self.state.lock();
            inner.identity = identity;
            inner.is_counted = true;
        }
        self.node.metrics.stomp.sessions.inc();
        // Every version of the list is supported, and the newest comes first.
        let version = connect.versions.first().copied();
        let version = version.unwrap_or(Version::V1_0);
        match &self.node.stomp_relay {
            None => self.confirm(session, version, Some(SERVER.to_owned())),
            Some(relay) => {
                let login = RelayLogin {
                    versions: connect.versions,
                    login: connect.login,
                    // A token of this cluster stays within it.
                    passcode: connect.passcode.filter(|_| !has_token),
                };
                self.connect_relay(session, Arc::clone(relay), login);
            }
        }
        Ok(())
    }

    /// Confirms the session in this version with CONNECTED.
    pub(super) fn confirm(&self, session: &Session, version: Version, server: Option<String>) {
        let now = self.node.sessions.wheel.now();
        let own = self.heart_beat();
        let user = {
            let mut inner = self.state.lock();
            inner.phase = StompPhase::Connected;
            inner.version = version;
            inner.decoder.set_version(version);
            let intervals = match version {
                Version::V1_0 => HeartBeatIntervals::default(),
                _ => own.negotiate(inner.heart_beat),
            };
            inner.liveness = liveness(intervals, now, inner.liveness.expires_s);
            inner.identity.user.clone()
        };
        let connected = Connected {
            version,
            session: Some(session.device.to_string()),
            server,
            heart_beat: own,
        };
        let mut frame = connected.to_frame();
        // CONNECTED has no escapes. A name that would need them is left out.
        if !user.contains(['\r', '\n', '\0']) {
            frame = frame.with(USER_NAME, &user);
        }
        let limits = &self.node.sessions.limits;
        self.state.send(session, &frame, limits);
    }

    /// Begins the session, which must not have begun.
    fn take_handshake(&self) -> Result<StompHandshake, StompError> {
        let mut inner = self.state.lock();
        match std::mem::replace(&mut inner.phase, StompPhase::Connected) {
            StompPhase::Opened { handshake, .. } => Ok(*handshake),
            StompPhase::Connecting | StompPhase::Connected | StompPhase::Closed => {
                Err(StompError::invalid("invalid CONNECT: the session is open"))
            }
        }
    }

    fn heart_beat(&self) -> HeartBeat {
        let interval = self.node.sessions.limits.stomp.heart_beat;
        let ms = u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
        HeartBeat {
            can_send_ms: ms,
            wants_ms: ms,
        }
    }
}

/// Checks the passcode, or uses the token of the handshake. Returns `None` on a node that
/// requires no tokens.
fn authenticate(
    node: &Node,
    handshake: StompHandshake,
    passcode: Option<&str>,
) -> Result<Option<Grant>, StompError> {
    let Some(access) = node.access.as_ref().filter(|access| access.required) else {
        return Ok(None);
    };
    if let (None, Some(grant)) = (passcode, handshake.grant) {
        return Ok(Some(grant));
    }
    let verified = access.verify(passcode, TokenAccount::User, handshake.client);
    verified.map(Some).map_err(|RejectedToken { reason, .. }| {
        node.metrics.auth_rejected(reason);
        unauthorized(reason)
    })
}

fn unauthorized(reason: AuthError) -> StompError {
    let hint = "POST /sessions gives tokens; send one as passcode";
    StompError::new(CloseReason::Unauthorized, format!("{reason}; {hint}"))
}

/// Returns the user of a token; without tokens the login, or the name of the session.
fn identity(
    session: &Session,
    grant: Option<Grant>,
    login: Option<String>,
) -> Result<Identity, StompError> {
    let (user, devices) = match grant {
        Some(grant) => (grant.user, Some(Box::new(grant.devices))),
        None => {
            let login = login.filter(|login| !login.is_empty());
            (login.unwrap_or_else(|| session.device.to_string()), None)
        }
    };
    if user.len() > MAX_USER_BYTES {
        return Err(StompError::limit(format!(
            "invalid user name of {} bytes: expected at most {MAX_USER_BYTES}",
            user.len()
        )));
    }
    Ok(Identity {
        user: user.into(),
        devices,
    })
}

/// Returns the second of the wheel at which a token expires.
fn expiry(now: u32, grant: &Grant) -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let left = grant.expires_at_s.saturating_sub(seconds);
    now.saturating_add(u32::try_from(left).unwrap_or(u32::MAX))
}

fn liveness(intervals: HeartBeatIntervals, now: u32, expires_s: u32) -> HeartBeats {
    let seconds = |interval: Option<Duration>| interval.map_or(0, whole_seconds);
    let whole = intervals.send.map_or(0, |interval| interval.as_secs());
    // Rounded down, because a heart-beat must not be late.
    let send_s = match intervals.send {
        Some(_) => u32::try_from(whole).unwrap_or(u32::MAX).max(1),
        None => 0,
    };
    HeartBeats {
        send_s,
        next_s: now.saturating_add(send_s.saturating_sub(1).max(1)),
        receive_s: seconds(intervals.receive),
        expires_s,
    }
}
