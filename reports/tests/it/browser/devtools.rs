//! The part of the DevTools protocol that the tests need: JSON over a WebSocket. Answers are
//! matched by number, and all other messages are kept as events.

use std::{path::Path, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// Time to answer, which only a hung browser exceeds.
const ANSWER: Duration = Duration::from_secs(120);

/// A page of a browser, with its events so far.
pub(super) struct BrowserPage {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    number: u64,
    events: Vec<(String, Value)>,
}

/// The way a page is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Viewport {
    pub(super) width: u32,
    pub(super) scripts: bool,
}

impl BrowserPage {
    /// Opens a file and waits for its load event.
    pub(super) async fn open(address: &str, file: &Path, view: Viewport) -> Self {
        // A printed page is one message, larger than the default limit.
        let mut config = WebSocketConfig::default();
        config.max_message_size = None;
        config.max_frame_size = None;
        let (socket, _) = connect_async_with_config(address, Some(config), false)
            .await
            .unwrap();
        let mut page = Self {
            socket,
            session: None,
            number: 0,
            events: Vec::new(),
        };
        let target = page
            .call("Target.createTarget", json!({"url": "about:blank"}))
            .await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = page.call("Target.attachToTarget", attach).await;
        page.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        let size = json!({
            "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": false,
        });
        page.call("Emulation.setDeviceMetricsOverride", size).await;
        let disabled = json!({"value": !view.scripts});
        page.call("Emulation.setScriptExecutionDisabled", disabled)
            .await;
        let url = format!("file://{}", file.display());
        page.call("Page.navigate", json!({"url": url})).await;
        page.until("Page.loadEventFired").await;
        page
    }

    /// Returns the value of an expression in the page.
    pub(super) async fn value(&mut self, expression: &str) -> Value {
        let request = json!({"expression": expression, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", request).await;
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Moves the mouse.
    pub(super) async fn hover(&mut self, x: f64, y: f64) {
        let moved = json!({"type": "mouseMoved", "x": x, "y": y});
        self.call("Input.dispatchMouseEvent", moved).await;
    }

    /// Presses a key that types no text.
    pub(super) async fn press(&mut self, key: &str) {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({"type": kind, "key": key, "code": key});
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Returns the events of a kind so far.
    pub(super) fn events(&self, method: &str) -> Vec<&Value> {
        let events = self.events.iter().filter(|(name, _)| name == method);
        events.map(|(_, params)| params).collect()
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let number = self.number;
        let mut command = json!({"id": number, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.socket
            .send(Message::text(command.to_string()))
            .await
            .unwrap();
        loop {
            let mut message = self.next().await;
            if message["id"] == number {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    async fn until(&mut self, method: &str) {
        while self.events(method).is_empty() {
            self.next().await;
        }
    }

    /// Returns the next message, and keeps it if it is an event.
    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(ANSWER, self.socket.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            let Message::Text(text) = message else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).unwrap();
            if let Some(method) = message["method"].as_str() {
                self.events
                    .push((method.to_owned(), message["params"].clone()));
            }
            return message;
        }
    }
}
