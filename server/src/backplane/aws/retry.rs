//! The repetition of requests.

use aws_sdk_sqs::config::{
    interceptors::InterceptorContext, retry::ClassifyRetry, retry::RetryAction,
};
use aws_smithy_runtime_api::client::retries::classifiers::RetryClassifierPriority;

/// Forbids to repeat a request without an answer.
///
/// A transport never repairs a broken connection: the node joins again, and the others see it.
/// A change of the membership table that is sent again would moreover meet itself. A request
/// that the service answered with "too many requests" or a fault is repeated.
#[derive(Debug)]
pub(super) struct OnlyAnswered;

impl ClassifyRetry for OnlyAnswered {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if error.as_operation_error().is_none() => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "OnlyAnswered"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
