//! Takes the harness's device socket, its own opening handshake and its
//! configuration, through a WebSocket fuzzing server: each case's messages are said
//! back. `cargo xtask conformance` starts it; the server judges.

use std::{env, error::Error, time::Duration};

use futures_util::{SinkExt, StreamExt};
use highwater_loadgen::{
    access::{ClientAccess, ClientOptions},
    worker::{
        devices::{
            connect::{ConnectRequest, connect},
            socket::DeviceSocket,
        },
        dialect::plain::Plain,
    },
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// For one connection, and for all that is said on one.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What the report calls this client.
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

/// The fuzzing server.
struct FuzzingServer {
    address: String,
    client_options: ClientOptions,
}

impl FuzzingServer {
    async fn case_count(&self) -> Result<u32, Box<dyn Error>> {
        let mut socket = self.open("getCaseCount").await?;
        match timeout(TIMEOUT, socket.next()).await? {
            Some(Ok(Message::Text(count))) => Ok(count.parse()?),
            other => Err(format!("the server says no number of cases: {other:?}").into()),
        }
    }

    async fn open(&self, path: &str) -> Result<DeviceSocket, String> {
        let address = format!("{}/{path}", self.address);
        let wanted = ConnectRequest {
            address: &address,
            dialect: &Plain,
            header_lines: "",
            tls: self.client_options.tls(),
            worker_index: 0,
            device_number: 0,
        };
        connect(wanted, TIMEOUT)
            .await
            .map(|opened| opened.socket)
            .map_err(|failure| format!("{address}: {}", failure.kind()))
    }
}

/// Says back what comes until the socket ends. Most cases end it with an error: that
/// the client finds it is what they are for.
async fn echo(socket: &mut DeviceSocket) {
    while let Some(Ok(message)) = socket.next().await {
        let said_back = match message {
            Message::Text(_) | Message::Binary(_) => socket.send(message).await,
            // Pongs and the answer to a close are tungstenite's own.
            _ => socket.flush().await,
        };
        if said_back.is_err() {
            return;
        }
    }
}
