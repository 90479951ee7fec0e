//! The login of a device, counted and timed.

use highwater_reports::record::names::counter;
use tokio::time::Instant;

use super::{connect_error::ConnectError, connect_failure::ConnectFailure};
use crate::worker::{
    context::Context,
    login::{CompiledLogin, LoginClient, LoginError, TakenValues},
    recorder::{Count, Timing},
    values::DeviceValues,
};

/// Logs a device in, and keeps the values of the answer for its sockets and commands. A pool
/// without a login has nothing to do.
///
/// # Errors
/// If the login fails, which is counted.
pub(super) async fn log_in(
    context: &Context,
    device: DeviceValues<'_>,
) -> Result<(), ConnectError> {
    let (Some(client), Some(login)) = (&context.login_client, &device.values.login) else {
        return Ok(());
    };
    let recorder = &context.recorder;
    recorder.count(Count::LoginsDue);
    match log_in_timed(context, client, login, device).await {
        Ok(values) => {
            recorder.count(Count::LoginsSucceeded);
            device.values.set_taken(device.device, values);
            Ok(())
        }
        Err(LoginError { cause, example }) => {
            recorder.count(Count::LoginsFailed);
            let kind = cause.kind();
            context.count_device_failure(device.device, counter::LOGINS_FAILED, &kind, || *example);
            let error = format!("the login failed: {kind}");
            Err(ConnectError::new(ConnectFailure::Login, error))
        }
    }
}

async fn log_in_timed(
    context: &Context,
    client: &LoginClient,
    login: &CompiledLogin,
    device: DeviceValues<'_>,
) -> Result<TakenValues, LoginError> {
    let due = Instant::now();
    let _permit = client.permit().await;
    let sent = Instant::now();
    let recorder = &context.recorder;
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let values = client.log_in(login, &device).await?;
    recorder.time(Timing::LoginResponse, due.elapsed());
    recorder.time(Timing::LoginService, sent.elapsed());
    Ok(values)
}
