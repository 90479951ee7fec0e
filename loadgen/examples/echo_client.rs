//! A client for a WebSocket fuzzing server, with the device socket of the harness.
//!
//! The client echoes the messages of each case over the harness's own handshake and settings.
//! `cargo xtask conformance` starts it, and the server judges the result.

use std::{env, error::Error, time::Duration};

use futures_util::StreamExt;
use highwater_loadgen::{
    access::{ClientAccess, ClientOptions},
    worker::{
        devices::{connect::connect, connect_request::ConnectRequest, upgrade::DeviceSocket},
        dialect::plain::Plain,
        source_address::SourceAddresses,
    },
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// Longest time for one connection, and for all messages of one case.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest message, in bytes. Longer ones belong to cases that `cargo xtask conformance` skips.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Name of this client in the server's report.
const AGENT: &str = "highwater-harness";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(1)
        .ok_or("usage: echo_client ws://HOST:PORT")?;
    let server = FuzzingServer {
        address,
        client_options: ClientOptions::new(&ClientAccess::default())?,
    };
    for case in 1..=server.case_count().await? {
        let path = format!("runCase?case={case}&agent={AGENT}");
        let mut socket = server.open(&path).await?;
        timeout(TIMEOUT, echo(&mut socket))
            .await
            .map_err(|_| format!("case {case} does not end"))?;
    }
    let mut socket = server.open(&format!("updateReports?agent={AGENT}")).await?;
    timeout(TIMEOUT, echo(&mut socket)).await?;
    Ok(())
}

/// The fuzzing server that the client talks to.
struct FuzzingServer {
    address: String,
    client_options: ClientOptions,
}

impl FuzzingServer {
    async fn case_count(&self) -> Result<u32, Box<dyn Error>> {
        let mut socket = self.open("getCaseCount").await?;
        match timeout(TIMEOUT, socket.next()).await? {
            Some(Ok(Message::Text(count))) => Ok(count.parse()?),
            other => Err(format!("invalid number of cases {other:?}: expected text").into()),
        }
    }

    async fn open(&self, path: &str) -> Result<DeviceSocket, String> {
        let address = format!("{}/{path}", self.address);
        let request = ConnectRequest {
            address: &address,
            dialect: &Plain,
            header_lines: "",
            max_message_bytes: MAX_MESSAGE_BYTES,
            client_options: &self.client_options,
            sources: &SourceAddresses::default(),
            device_number: 0,
        };
        connect(request, TIMEOUT)
            .await
            .map(|opened| opened.socket)
            .map_err(|error| format!("{address}: {}", error.cause.kind()))
    }
}

/// Echoes messages until the socket ends. Most cases end it with an error, which the
/// client must find.
async fn echo(socket: &mut DeviceSocket) {
    while let Some(Ok(message)) = socket.next().await {
        let sent = match message {
            Message::Text(_) | Message::Binary(_) => socket.send(message).await,
            // The socket queues pongs and the answer to a close frame itself.
            _ => socket.flush().await,
        };
        if sent.is_err() {
            return;
        }
    }
}
