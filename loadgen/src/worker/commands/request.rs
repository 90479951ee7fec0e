//! The request of a command: that of the dialect, or one of the scenario's own.

use highwater_scenarios::{
    frames::{CompiledCommand, nonce_text},
    plan::{CommandLoad, CommandMethod},
};
use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

use super::{recipient::Recipient, reply::accepted_type};
use crate::worker::{
    context::Context,
    dialect::OutgoingCommand,
    frames::{FrameKey, SocketValues},
    http::HttpRequest,
};

/// Builds the request of a command of load number `load`.
pub fn build_request(
    context: &Context,
    load: usize,
    recipient: &Recipient,
    nonce: u64,
) -> HttpRequest {
    let command_load = &context.plan.commands[load];
    let device = recipient.device;
    let id = device.id(&context.plan.devices[device.pool as usize]);
    let nonce_text = nonce_text(nonce);
    let command = OutgoingCommand {
        name: &command_load.name,
        nonce: &nonce_text,
        timeout: command_load.timeout,
    };
    let identity = context.socket_identity(device);
    let own = identity.and_then(|identity| Some((identity, identity.protocol.command(load)?)));
    let mut request = match own {
        None => {
            let path = command_load.path.replace("{device}", &id);
            context.dialect.command_request(path, &command)
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
    };
    // The load's own fields come before those of the target.
    for (name, value) in &context.client_options.command_headers_for(&id) {
        if !request.device_headers.contains_key(name) {
            request.device_headers.append(name, value.clone());
        }
    }
    let accept = accepted_type(&command_load.reply).to_owned();
    match request.device_headers.contains_key(header::ACCEPT) {
        true => request,
        false => request.with_header(header::ACCEPT.as_str(), accept),
    }
}

/// Returns the dialect's request with what the scenario puts in its place.
fn own_request(
    mut request: HttpRequest,
    load: &CommandLoad,
    compiled: &CompiledCommand,
    values: &SocketValues<'_>,
) -> HttpRequest {
    request.method = method(load.method);
    request.device_headers = own_headers(compiled, values);
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
    request
}

fn own_headers(compiled: &CompiledCommand, values: &SocketValues<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, template) in &compiled.headers {
        let mut value = String::new();
        template.render(values, &mut value);
        let name = HeaderName::from_bytes(name.as_bytes());
        // A value of a device that HTTP does not allow leaves its field out.
        if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(&value)) {
            // Hides the value from the HTTP client's own logs.
            value.set_sensitive(true);
            headers.append(name, value);
        }
    }
    headers
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
