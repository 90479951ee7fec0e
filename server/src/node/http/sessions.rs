//! `POST /sessions`, `GET` and `PUT /sessions/{id}`: logging in, and the data that
//! follows a user from node to node.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::token::{auth_error, bearer_token, check_token};
use crate::{
    api::{ApiError, read_json},
    auth::{AuthError, Authenticator, Claims, DevicePatterns, Grant, SessionId, StoreError},
    node::Node,
};

/// Longest name of a user, in bytes.
const MAX_USER_BYTES: usize = 256;

/// What whoever has checked the user's password sends.
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
struct LoginResponse {
    id: SessionId,
    token: String,
    /// Seconds since 1970.
    expires_at: u64,
}

#[derive(Serialize)]
struct SessionResponse<'a> {
    id: &'a SessionId,
    user: &'a str,
    devices: &'a DevicePatterns,
    data: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceSessionBody {
    data: Box<RawValue>,
}

pub(super) async fn create(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<Response, ApiError> {
    let access = require_access(&node)?;
    let (parts, body) = request.into_parts();
    check_login_secret(&node, access, &parts.headers)?;
    let login: LoginBody = read_json(&parts.headers, body, &node.sessions.limits).await?;
    if login.user.is_empty() || login.user.len() > MAX_USER_BYTES {
        let error = format!("a `user` of {} bytes", login.user.len());
        return Err(ApiError::bad_request(error, "1 to 256 bytes are accepted"));
    }
    let text = session_data(&node, login.data)?;
    let id = SessionId::random();
    access
        .store
        .create(id.clone(), text, access.lifetime())
        .await
        .map_err(store_error)?;
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
    Ok((StatusCode::CREATED, Json(logged_in)).into_response())
}

pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let access = require_access(&node)?;
    let (id, grant) = own_session(&node, access, &id, &headers)?;
    let loaded = access.store.load(id.clone()).await.map_err(store_error)?;
    let text = loaded.ok_or_else(session_not_found)?;
    let data = RawValue::from_string(text).map_err(|error| {
        let away = StoreError::Unavailable(format!("it holds what is no JSON: {error}"));
        store_error(away)
    })?;
    let shown = SessionResponse {
        id: &id,
        user: &grant.user,
        devices: &grant.devices,
        data: &data,
    };
    Ok(Json(shown).into_response())
}

pub(super) async fn replace(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let access = require_access(&node)?;
    let (parts, body) = request.into_parts();
    let (id, _) = own_session(&node, access, &id, &parts.headers)?;
    let replacement: ReplaceSessionBody =
        read_json(&parts.headers, body, &node.sessions.limits).await?;
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
            "this node knows no sessions",
            "start it with --auth-secret-file",
        )
    })
}

fn check_login_secret(
    node: &Node,
    access: &Authenticator,
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let Some(secret) = &access.login_secret else {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "nobody logs in at this node",
            "start it with --login-secret-file",
        ));
    };
    if bearer_token(headers).is_some_and(|given| secret.matches(given)) {
        return Ok(());
    }
    Err(auth_error(node, AuthError::WrongLoginSecret))
}

/// The session in the path, which must be the one that the token belongs to.
fn own_session(
    node: &Node,
    access: &Authenticator,
    id: &str,
    headers: &HeaderMap,
) -> Result<(SessionId, Grant), ApiError> {
    let grant = check_token(node, access, bearer_token(headers))?;
    match grant.session.clone().filter(|own| own.as_str() == id) {
        Some(id) => Ok((id, grant)),
        None => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "the token belongs to another session",
            "each session is read and written with its own token",
        )),
    }
}

/// The data's text, `null` without any.
fn session_data(node: &Node, data: Option<Box<RawValue>>) -> Result<String, ApiError> {
    let text = data.as_deref().unwrap_or(RawValue::NULL).get().to_owned();
    let most = node.sessions.limits.session_bytes;
    if text.len() > most {
        return Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "session data of {} bytes: at most {most} are kept",
                text.len()
            ),
            "keep less in it",
        ));
    }
    Ok(text)
}

fn session_not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "there is no such session any more",
        "log in again; nodes that do not share a store do not share sessions",
    )
}

fn store_error(error: StoreError) -> ApiError {
    if let StoreError::Unavailable(why) = &error {
        tracing::warn!(why, "no session store");
    }
    ApiError::unavailable(error.to_string(), "try again")
}
