//! The meaning of the client library's errors.

use std::error::Error;

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

use crate::{
    backplane::remote::TransportError,
    net::tls::{REJECTED_CERTIFICATE_HINT, is_rejected_certificate},
};

impl<E> From<SdkError<E, HttpResponse>> for TransportError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let what = describe(&error);
        match hint(&error) {
            Some(hint) => Self::Unsuitable { what, hint },
            None => Self::Broken(what),
        }
    }
}

/// A request without a required part, which the code of this module never makes.
impl From<BuildError> for TransportError {
    fn from(error: BuildError) -> Self {
        Self::broken(error)
    }
}

/// Whether the queue of a request does not exist.
pub(super) fn is_missing_queue<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    // The name of the older protocol, which some emulators speak, has a prefix.
    code(error).is_some_and(|code| {
        code.ends_with("QueueDoesNotExist") || code.ends_with("NonExistentQueue")
    })
}

/// Returns the code of the service's answer.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

/// Describes an error in one line, with the code of the service's answer or the chain of causes.
fn describe<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let Some(answer) = error.as_service_error() {
        let code = answer.code().unwrap_or("unknown error");
        return match answer.message() {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        };
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Returns the hint for an error that only an operator can resolve.
fn hint<E>(error: &SdkError<E, HttpResponse>) -> Option<&'static str>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if is_rejected_certificate(error) {
        return Some(REJECTED_CERTIFICATE_HINT);
    }
    let Some(code) = code(error) else {
        let text = describe(error);
        return text.contains("credentials").then_some(CREDENTIALS);
    };
    match code {
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "MissingAuthenticationToken" => Some(CREDENTIALS),
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" => {
            Some("allow the actions that docs/backplanes.md lists")
        }
        _ => None,
    }
}

const CREDENTIALS: &str = "give valid credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a \
     profile, a role, or sns://KEY:SECRET@… in the URL";
