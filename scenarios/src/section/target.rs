//! `[target]`: a system that is already running.

use super::{
    list, observe::ObserveSection, sub_table, target_stomp::TargetStompSection,
    target_tls::TargetTlsSection,
};
use crate::{
    plan::{self, Compression, Dialect, STOMP_SUBPROTOCOLS},
    presets::PresetChoice,
    value::{headers, http_addresses, preset, proxy_address, subprotocols, word, ws_addresses},
};

section! {
    /// A system that is already running, in place of `[cluster]`. Events need a cluster.
    pub(crate) struct TargetSection = "[target]";

    /// WebSocket addresses; clients rotate over them. `{device}` stands for the device's id,
    /// and the `highwater` dialect needs it. `docs/login.md` lists the placeholders; the host
    /// takes `${NAME}` only. Records show `***` in place of other values of the query.
    pub(crate) ws: Vec<String> = ws_addresses(), required;

    /// Base addresses for commands; clients rotate over them. Needed when there are
    /// `[[commands]]`. Placeholders are those of `ws`.
    pub(crate) http: Vec<String> = http_addresses(), optional;

    /// The protocol of devices and commands. `highwater`: the reference server's JSON frames;
    /// replies are checked. `plain`: WebSocket pings and the frames that `[[devices]]`
    /// declares; any 2xx answer to a command is its reply. `stomp`: sessions of STOMP, with its
    /// subscriptions, receipts and heart-beats. Without it: `plain` where a pool
    /// declares frames, or the scenario has `[[messages]]` or a command with a request of its
    /// own; otherwise `highwater`.
    pub(crate) dialect: Dialect = word(), optional;

    /// A protocol that the harness brings along. It adds keys to `[target]` and to each pool;
    /// a key that is written wins, and of a `heartbeat` the period may be written alone. A path
    /// is added to addresses without one. `highwater init --preset NAME` explains the
    /// parameters, and `highwater check --expanded` shows the keys.
    // The keys that it stands for are compared.
    preset: PresetChoice = preset(), optional, ignored;

    /// The CONNECT frame of every socket, in the dialect `stomp`.
    pub(crate) stomp: TargetStompSection = sub_table(), default "{}";

    /// The verification of the certificates of `wss` and `https` addresses.
    pub(crate) tls: TargetTlsSection = sub_table(), default "{}";

    /// Header fields that every socket's opening and every command carries. `${NAME}` is
    /// taken from the environment when the run starts, and stays out of the record: from that
    /// of `highwater run`, or of each worker on another machine. Records show `***` in place of other text. Placeholders are those of `ws`.
    pub(crate) headers: Vec<plan::HttpHeader> = headers(), optional;

    /// The subprotocols that every socket offers in `Sec-WebSocket-Protocol`, best first. The
    /// server must choose one of them. Without it `v12.stomp`, `v11.stomp` and `v10.stomp` in the
    /// dialect `stomp`, and otherwise none.
    subprotocol: Vec<String> = subprotocols(), optional;

    /// The compression that every socket offers. `permessage-deflate` (RFC 7692): the server may
    /// compress each message on its own, so that an idle socket holds no window.
    /// `permessage-deflate-context`: the offer of browsers. The server may keep its window from
    /// message to message, and the worker then keeps 48 KiB per socket. Devices themselves send
    /// uncompressed messages.
    compression: Compression = word(), default "none";

    /// The HTTP proxy that sockets (`CONNECT`, for `ws` as well) and commands go through.
    /// `${NAME}` in user and password is taken from the environment, as in `headers`. Without
    /// this key none is used: variables such as `HTTP_PROXY` count for nothing. Endpoints of
    /// `observe` are asked directly.
    pub(crate) proxy: String = proxy_address(), optional;

    /// Processes to sample beside the load.
    pub(crate) observe: Vec<ObserveSection> = list("observed process"), optional;
}

impl TargetSection {
    /// Returns what opens a session of STOMP; `None` where a value is invalid.
    pub(crate) fn stomp_spec(&self) -> Option<plan::StompSpec> {
        self.stomp.value.as_ref()?.resolve()
    }

    /// Resolves the target; `dialect` is the written or the inferred one.
    pub(crate) fn resolve(self, dialect: Dialect) -> Option<plan::TargetSpec> {
        // A list that could not be read is reported, and the plan is not used.
        let stomp = self.stomp_spec();
        let observe = self.observe.value.unwrap_or_default();
        let observe = observe.into_iter().map(ObserveSection::resolve);
        let tls = self.tls.value?.resolve()?;
        let is_stomp = dialect == Dialect::Stomp;
        Some(plan::TargetSpec {
            ws: self.ws.value?,
            // Without commands a target needs no address for them.
            http: trim_base_urls(self.http.value.unwrap_or_default()),
            dialect,
            preset: self.preset.value.map(|choice| choice.name),
            trust: tls.trust,
            client_certificate: tls.client_certificate,
            server_name: tls.server_name,
            proxy: self.proxy.value,
            compression: self.compression.value?,
            headers: self.headers.value.unwrap_or_default(),
            subprotocol: match self.subprotocol.value {
                Some(names) => names,
                None if is_stomp => STOMP_SUBPROTOCOLS.map(str::to_owned).to_vec(),
                None => Vec::new(),
            },
            stomp: match is_stomp {
                true => Some(stomp?),
                false => None,
            },
            observe: observe.collect::<Option<_>>()?,
        })
    }
}

/// Removes the slash at the end of each base address: a command's path begins with one.
fn trim_base_urls(addresses: Vec<String>) -> Vec<String> {
    let trimmed = |address: String| address.trim_end_matches('/').to_owned();
    addresses.into_iter().map(trimmed).collect()
}
