//! A worker whose sockets speak a dialect of its own.
//!
//! The worker joins `highwater coordinator` over a bus, as `highwater worker` does. The dialect here is
//! the part of the reference server's protocol that commands need, so that a node
//! understands it. A dialect that every user needs belongs into
//! `loadgen/src/worker/dialect/`, whose module page lists the three places.

use std::{env, error::Error, time::Duration};

use highwater_loadgen::{
    bus::BusOptions,
    doctor::segment_fit::worker_capacity,
    sampling::raise_open_files,
    worker::{
        BusWorkerOptions, IndexChoice,
        dialect::{Dialect, Incoming, ReplyNodes},
        run_on_bus,
    },
};
use highwater_types::BrokerUrl;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// A dialect of pings and commands. It has no fields: one value serves all sockets.
struct CommandsOnly;

impl Dialect for CommandsOnly {
    fn upgrade_header_lines(&self) -> &'static str {
        "User-Agent: highwater-example\r\n"
    }

    // Heartbeats are pings by default, so their answers are pongs.
    fn decode<'f>(&self, frame: &'f Message) -> Incoming<'f> {
        match frame {
            Message::Pong(payload) => Incoming::from_pong(payload),
            Message::Text(text) => decode_command(text).unwrap_or(Incoming::Ignored),
            _ => Incoming::Ignored,
        }
    }

    // The caller's nonce comes back in the body, because the device sends the body back.
    fn decode_reply(&self, body: &[u8], nonce: &str) -> Option<ReplyNodes> {
        let reply: Value = serde_json::from_slice(body).ok()?;
        let name = |field: &str| reply[field].as_str().map(str::to_owned);
        (reply["body"]["nonce"] == nonce).then(|| ReplyNodes {
            node: name("node"),
            owner: name("owner"),
        })
    }
}

fn decode_command(text: &str) -> Option<Incoming<'static>> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let is_command = frame["type"] == "command";
    is_command.then(|| {
        let reply = json!({ "type": "reply", "id": frame["id"], "body": frame["body"] });
        Incoming::Command {
            reply: Message::text(reply.to_string()),
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(bus), Some(run)) = (arguments.next(), arguments.next()) else {
        return Err("usage: custom_dialect BUS RUN".into());
    };
    let options = BusWorkerOptions {
        bus: BusOptions {
            url: BrokerUrl::parse(&bus)?,
            credentials: None,
        },
        run: run.parse()?,
        index: IndexChoice::AnyFree,
        join_timeout: Duration::from_secs(120),
        files: None,
        capacity: worker_capacity(raise_open_files()?, Vec::new()),
        dialect: Some(&CommandsOnly),
    };
    run_on_bus(options).await?;
    Ok(())
}
