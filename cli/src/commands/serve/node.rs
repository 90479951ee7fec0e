//! Converts a node's options into the server's configuration.

use std::sync::Arc;

use highwater_server::{AuthConfig, NodeConfig, NodeLimits, Secret, ServerTls};

use crate::{
    args::{ServeAdmission, ServeAuth, ServeDrain, ServeNode, ServeTls},
    exit::Exit,
    failure::CliFailure,
    heap,
};

/// Reads every file that is named.
pub(super) fn config(args: ServeNode) -> Result<NodeConfig, CliFailure> {
    Ok(NodeConfig {
        backplane: args.backplane.backplane,
        cluster: args.backplane.cluster,
        membership_lease: args.backplane.membership_lease,
        advertise: args.advertise,
        load_source: args.load_source,
        routing: args.routing,
        allow_faults: args.allow_faults,
        echo: args.echo,
        tls: tls(args.tls)?,
        auth: auth(args.auth)?,
        limits: limits(&args.admission, &args.drain),
        heap_probe: Some(heap::live_bytes),
        ..NodeConfig::new(args.id)
    })
}

pub(super) fn tls(args: ServeTls) -> Result<Option<Arc<ServerTls>>, CliFailure> {
    let (Some(cert), Some(key)) = (args.tls_cert, args.tls_key) else {
        return Ok(None);
    };
    ServerTls::load(&cert, &key)
        .map(|tls| Some(Arc::new(tls)))
        .map_err(|error| {
            let hint = "both are PEM: the chain with the node's own certificate first, and its key";
            CliFailure::new(Exit::Usage, error).with_hint(Some(hint.to_owned()))
        })
}

fn auth(args: ServeAuth) -> Result<Option<AuthConfig>, CliFailure> {
    let read = |file: Option<std::path::PathBuf>| {
        let secret = file.map(|path| Secret::from_file(&path)).transpose();
        secret.map_err(|error| {
            let hint = "`head -c 32 /dev/urandom | base64 > FILE` makes one";
            CliFailure::new(Exit::Usage, error).with_hint(Some(hint.to_owned()))
        })
    };
    let secret = read(args.auth_secret_file)?.or(args.auth_secret);
    let login = read(args.login_secret_file)?.or(args.login_secret);
    match secret {
        Some(secret) => Ok(Some(AuthConfig {
            secret,
            required: args.auth,
            login_secret: login,
            lifetime: args.session_lifetime,
            store: args.session_store,
        })),
        None if args.auth || login.is_some() => {
            let what = anyhow::anyhow!("tokens have nothing to be signed with");
            let hint = "name the secret's file with --auth-secret-file";
            Err(CliFailure::new(Exit::Usage, what).with_hint(Some(hint.to_owned())))
        }
        None => Ok(None),
    }
}

fn limits(admission: &ServeAdmission, drain: &ServeDrain) -> NodeLimits {
    NodeLimits {
        max_sockets: admission.max_sockets,
        upgrade_rate: admission.max_upgrades,
        upgrade_burst: admission.upgrade_burst,
        handshake_rate: admission.max_handshakes,
        drain_delay: drain.drain_delay,
        drain_rate: drain.drain_rate,
        drain_reconnect_window: drain.drain_window,
        max_age: drain.max_age,
        ..NodeLimits::default()
    }
}
