//! A device of the reference server: it sends heartbeats and answers commands.
//!
//! `docs/protocol.md` specifies the frames. The example uses no crate of this project, so
//! it is a start for a device of your own.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::{env, error::Error, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, signal::ctrl_c, time::interval};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// A node closes a device that sends nothing for 90 s.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8080".to_owned());
    let device = arguments.next().unwrap_or("lamp-1".to_owned());

    // After the 101 response every node of the cluster can reach the device.
    let stream = TcpStream::connect(&address).await?;
    let url = format!("ws://{address}/ws?device={device}");
    let (mut socket, _response) = client_async(url, stream).await?;
    println!("{device} is connected to {address}");

    let mut heartbeat = interval(HEARTBEAT_INTERVAL);
    loop {
        tokio::select! {
            _ = heartbeat.tick() => socket.send(Message::Ping("".into())).await?,
            _ = ctrl_c() => socket.close(None).await?,
            received = socket.next() => match received.transpose()? {
                Some(Message::Text(text)) => {
                    if let Some(reply) = answer(&text) {
                        socket.send(reply).await?;
                    }
                }
                Some(Message::Pong(_)) => println!("the heartbeat was answered"),
                // The table of close codes says which of them end the device for good.
                Some(Message::Close(close)) => println!("closed: {close:?}"),
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

/// Returns the reply to a frame if it is a command: its id, and a body of the device's own.
fn answer(text: &str) -> Option<Message> {
    let frame: Value = serde_json::from_str(text).ok()?;
    println!("received {frame}");
    let is_command = frame["type"] == "command";
    is_command.then(|| {
        let body = json!({ "done": frame["name"], "with": frame["body"] });
        Message::text(json!({ "type": "reply", "id": frame["id"], "body": body }).to_string())
    })
}
