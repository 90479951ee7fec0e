//! The request of a command: that of the dialect, or one of the scenario's own.

use highwater_scenarios::{
    frames::{CompiledCommand, nonce_text},
    plan::{CommandLoad, CommandMethod},
};
use reqwest::{
    Method,
    header::{self, HeaderMap},
};

use super::{recipient::Recipient, reply::accepted_type};
use crate::{
    access::{UnsendableValue, insert_header},
    worker::{
        context::Context,
        dialect::OutgoingCommand,
        frames::{FrameKey, SocketValues},
        http::HttpRequest,
        values::DeviceValues,
    },
};

/// The request of a command, and the base addresses that it may go to.
pub struct CommandRequest {
    /// The request.
    pub request: HttpRequest,
    /// The base addresses.
    pub bases: Vec<String>,
}

/// Builds the request of a command of load number `load`.
///
/// # Errors
/// If a value of the device cannot be sent in a header field.
pub fn build_request(
    context: &Context,
    load: usize,
    recipient: &Recipient,
    nonce: u64,
) -> Result<CommandRequest, UnsendableValue> {
    let device = recipient.device;
    // A recipient is a device of the plan.
    let values = context.device_values(device).ok_or(UnsendableValue)?;
    let mut request = request_of_load(context, load, recipient, nonce, values)?;
    // The load's own fields come before those of the target.
    for (name, value) in &values.values.headers.device_fields(&values)? {
        if !request.device_headers.contains_key(name) {
            request.device_headers.append(name, value.clone());
        }
    }
    let accept = accepted_type(&context.plan.commands[load].reply).to_owned();
    let addresses = context.addresses();
    let bases = addresses.of_pool(device.pool);
    Ok(CommandRequest {
        request: match request.device_headers.contains_key(header::ACCEPT) {
            true => request,
            false => request.with_header(header::ACCEPT.as_str(), accept),
        },
        bases: bases.map_or_else(Vec::new, |pool| pool.http_for(&values).into_owned()),
    })
}

/// Builds the request of the dialect, or the one that the scenario writes.
fn request_of_load(
    context: &Context,
    load: usize,
    recipient: &Recipient,
    nonce: u64,
    values: DeviceValues<'_>,
) -> Result<HttpRequest, UnsendableValue> {
    let command_load = &context.plan.commands[load];
    let nonce_text = nonce_text(nonce);
    let command = OutgoingCommand {
        name: &command_load.name,
        nonce: &nonce_text,
        timeout: command_load.timeout,
    };
    let identity = context.socket_identity(recipient.device);
    let own = identity.and_then(|identity| Some((identity, identity.protocol.command(load)?)));
    match own {
        None => {
            let path = command_load.path.replace("{device}", &values.id());
            Ok(context.dialect.command_request(path, &command))
        }
        Some((identity, compiled)) => {
            let values = SocketValues {
                identity,
                taken: recipient.taken(),
                key: FrameKey {
                    reference: 0,
                    nonce,
                },
            };
            let request = context
                .dialect
                .command_request(compiled.path(&values), &command);
            own_request(request, command_load, compiled, &values)
        }
    }
}

/// Returns the dialect's request with what the scenario puts in its place.
fn own_request(
    mut request: HttpRequest,
    load: &CommandLoad,
    compiled: &CompiledCommand,
    values: &SocketValues<'_>,
) -> Result<HttpRequest, UnsendableValue> {
    request.method = method(load.method);
    request.device_headers = own_headers(compiled, values)?;
    if let Some(body) = &compiled.body {
        request.body.clear();
        body.render(values, &mut request.body);
    }
    // The dialect's own body is JSON, and so may be that of the scenario.
    let is_json = compiled.body.as_ref().is_none_or(|body| body.is_json());
    let has_type = request.device_headers.contains_key(header::CONTENT_TYPE);
    if !is_json || has_type {
        let is_type = |name: &str| name.eq_ignore_ascii_case(header::CONTENT_TYPE.as_str());
        request.headers.retain(|(name, _)| !is_type(name));
    }
    Ok(request)
}

fn own_headers(
    compiled: &CompiledCommand,
    values: &SocketValues<'_>,
) -> Result<HeaderMap, UnsendableValue> {
    let mut headers = HeaderMap::new();
    for (name, template) in &compiled.headers {
        let mut value = String::new();
        template.render(values, &mut value);
        insert_header(&mut headers, name, &value)?;
    }
    Ok(headers)
}

fn method(method: CommandMethod) -> Method {
    match method {
        CommandMethod::Get => Method::GET,
        CommandMethod::Post => Method::POST,
        CommandMethod::Put => Method::PUT,
        CommandMethod::Patch => Method::PATCH,
        CommandMethod::Delete => Method::DELETE,
    }
}
