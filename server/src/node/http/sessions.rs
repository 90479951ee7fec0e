//! `POST /sessions`, `GET` and `PUT /sessions/{id}`: logins, and the session data that
//! all nodes share.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    api::{ApiError, bearer_token, read_json},
    auth::{
        AuthError, Authenticator, Claims, DevicePatterns, Grant, SessionId, StoreError,
        TokenAccount,
    },
    node::{
        Node,
        token::{SHARED_SECRET, auth_error, check_token, client_address, limit_attempts},
    },
};

/// The longest name of a user, in bytes.
const MAX_USER_BYTES: usize = 256;

/// The body of a login, from the service that has checked the user's password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    user: String,
    #[serde(default)]
    devices: DevicePatterns,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(super) struct LoginResponse {
    id: SessionId,
    token: String,
    /// Seconds since 1970.
    expires_at: u64,
}

#[derive(Serialize)]
pub(super) struct SessionResponse {
    id: SessionId,
    user: String,
    devices: DevicePatterns,
    data: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceSessionBody {
    data: Box<RawValue>,
}

pub(super) async fn create(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<(StatusCode, Json<LoginResponse>), ApiError> {
    let access = require_access(&node)?;
    // Before the body is read: a caller without the secret costs nothing more.
    check_login_secret(&node, access, &request)?;
    let login: LoginBody = read_json(request, &node.sessions.limits).await?;
    if login.user.is_empty() || login.user.len() > MAX_USER_BYTES {
        let error = format!(
            "invalid `user` of {} bytes: expected 1 to {MAX_USER_BYTES}",
            login.user.len()
        );
        return Err(ApiError::bad_request(error, "send a shorter name"));
    }
    let text = session_data(&node, login.data)?;
    let id = SessionId::random();
    access
        .store
        .create(id.clone(), text, access.lifetime)
        .await
        .map_err(store_error)?;
    // After the session is stored, so that no token refers to a session that does not exist.
    let (token, expires_at) = access.sign(Claims {
        user: login.user,
        session: Some(id.clone()),
        devices: login.devices,
    });
    let logged_in = LoginResponse {
        id,
        token,
        expires_at,
    };
    Ok((StatusCode::CREATED, Json(logged_in)))
}

pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<SessionResponse>, ApiError> {
    let access = require_access(&node)?;
    let (id, grant) = own_session(&node, access, &id, &request)?;
    let loaded = access.store.load(id.clone()).await.map_err(store_error)?;
    let text = loaded.ok_or_else(session_not_found)?;
    let data = RawValue::from_string(text).map_err(|error| {
        store_error(StoreError::Unavailable(format!(
            "stored data is not JSON: {error}"
        )))
    })?;
    Ok(Json(SessionResponse {
        id,
        user: grant.user,
        devices: grant.devices,
        data,
    }))
}

pub(super) async fn replace(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let access = require_access(&node)?;
    let (id, _) = own_session(&node, access, &id, &request)?;
    let replacement: ReplaceSessionBody = read_json(request, &node.sessions.limits).await?;
    let text = session_data(&node, Some(replacement.data))?;
    match access.store.replace(id, text).await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(session_not_found()),
        Err(error) => Err(store_error(error)),
    }
}

fn require_access(node: &Node) -> Result<&Authenticator, ApiError> {
    node.access.as_ref().ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "this node has no sessions",
            "start it with --auth-secret-file",
        )
    })
}

fn check_login_secret(
    node: &Node,
    access: &Authenticator,
    request: &Request,
) -> Result<(), ApiError> {
    let Some(secret) = &access.login_secret else {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this node allows no logins",
            "start it with --login-secret-file",
        ));
    };
    let client = client_address(request.extensions());
    limit_attempts(node, &access.login_limit, client)?;
    // `matches` takes the same time for every guess, so the answer leaks no prefix.
    if bearer_token(request.headers()).is_some_and(|given| secret.matches(given)) {
        access.login_limit.record_right(SHARED_SECRET, client);
        return Ok(());
    }
    access.login_limit.record_wrong(SHARED_SECRET, client);
    Err(auth_error(node, AuthError::WrongLoginSecret))
}

/// Returns the session of the path, which must be the session of the token.
fn own_session(
    node: &Node,
    access: &Authenticator,
    id: &str,
    request: &Request,
) -> Result<(SessionId, Grant), ApiError> {
    let (token, account) = (bearer_token(request.headers()), TokenAccount::Named(id));
    let client = client_address(request.extensions());
    let grant = check_token(node, access, token, account, client)?;
    match grant.session.clone().filter(|own| own.as_str() == id) {
        Some(id) => Ok((id, grant)),
        None => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "the token belongs to another session",
            "use the token of this session",
        )),
    }
}

/// Returns the JSON text of the data; `null` without data.
fn session_data(node: &Node, data: Option<Box<RawValue>>) -> Result<String, ApiError> {
    let text = data.as_deref().unwrap_or(RawValue::NULL).get().to_owned();
    let max = node.sessions.limits.session_bytes;
    if text.len() > max {
        return Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "session data of {} bytes is too long: at most {max} bytes are stored",
                text.len()
            ),
            "send less data",
        ));
    }
    Ok(text)
}

fn session_not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "the session does not exist",
        "log in again; nodes share sessions only through a common store",
    )
}

fn store_error(error: StoreError) -> ApiError {
    if let StoreError::Unavailable(cause) = &error {
        tracing::warn!(cause, "session store is unavailable; answered 503");
    }
    ApiError::unavailable(error.to_string(), "try again")
}
