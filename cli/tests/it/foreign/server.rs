//! A server that is not ours, whose every answer a test scripts.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio_tungstenite::tungstenite::{
    Message, WebSocket, handshake::derive_accept_key, protocol::Role,
};

/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A server on loopback. Its threads end with the process of the tests.
pub(crate) struct ForeignServer {
    pub(crate) address: SocketAddr,
}

/// A request whose head has been read.
pub(crate) struct Request {
    stream: TcpStream,
    /// Sockets of the server that are open now.
    open: Arc<AtomicUsize>,
    /// Method, target and version.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
}

impl ForeignServer {
    /// Starts a server that gives each request to `answer`, on a thread of its own.
    pub(crate) fn start(answer: impl Fn(Request) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, opened) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, open) = (answer.clone(), opened.clone());
                thread::spawn(move || {
                    if let Some(request) = Request::read(stream, open) {
                        answer(request);
                    }
                });
            }
        });
        Self { address }
    }

    /// Starts a server that opens every socket and answers its pings, and gives every other
    /// request to `answer`.
    pub(crate) fn with_sockets(answer: impl Fn(Request) + Send + Sync + 'static) -> Self {
        Self::start(move |request| match request.is_upgrade() {
            true => request.serve_socket("", |_| true),
            false => answer(request),
        })
    }

    /// Starts a server whose metrics endpoint answers with `text` and the number of open
    /// sockets in place of `{open}`.
    pub(crate) fn with_metrics(text: &'static str) -> Self {
        Self::with_sockets(move |request| {
            let open = request.open.load(Relaxed).to_string();
            request.answer("200 OK", "", &text.replace("{open}", &open));
        })
    }

    /// Returns a scenario of some seconds that opens ten sockets here; `more` follows the
    /// `[target]` table's first keys.
    pub(crate) fn scenario(&self, more: &str) -> String {
        let address = self.address;
        format!(
            r#"
            name = "foreign"
            duration = "3s"
            [[devices]]
            name = "home"
            count = 10
            ramp = "100/s"
            heartbeat = "500ms"
            reconnect = {{ first = "500ms", max = "500ms" }}
            [target]
            ws = "ws://{address}/ws?device={{device}}"
            dialect = "plain"
            {more}
            "#
        )
    }

    /// Returns the part of a scenario that sends commands here.
    pub(crate) fn commands(&self, more: &str) -> String {
        let address = self.address;
        format!(
            r#"http = "http://{address}"
            [[commands]]
            name = "read"
            rate = "20/s"
            {more}
            "#
        )
    }
}

impl Request {
    fn read(mut stream: TcpStream, open: Arc<AtomicUsize>) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
            let mut byte = [0];
            stream.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        let head = String::from_utf8(head).ok()?;
        let mut lines = head.lines();
        let line = lines.next()?.to_owned();
        let fields = lines.filter_map(|line| line.split_once(": "));
        Some(Self {
            headers: fields
                .map(|(k, v)| (k.to_lowercase(), v.to_owned()))
                .collect(),
            line,
            stream,
            open,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_upgrade(&self) -> bool {
        self.header("upgrade").is_some()
    }

    /// Reads a body of the length that the head announces.
    pub(crate) fn read_body(&mut self) -> String {
        let length = self.header("content-length").map_or(Ok(0), str::parse);
        let length: usize = length.expect("a length");
        assert!(length <= MAX_HEAD_BYTES, "{length} bytes");
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a whole body");
        String::from_utf8(body).expect("UTF-8")
    }

    /// Answers and closes the connection. Header lines end with CR LF each.
    pub(crate) fn answer(mut self, status: &str, header_lines: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\n{header_lines}Content-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        // A client that has gone reads nothing.
        let _ = self.stream.write_all(answer.as_bytes());
        self.read_to_end();
    }

    /// Closing a connection with unread bytes would reset it before the answer is read.
    fn read_to_end(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        let _ = std::io::copy(&mut self.stream, &mut std::io::sink());
    }

    /// Answers with an event stream that stays open until the client leaves.
    pub(crate) fn stream_events(mut self, events: &str) {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n\
             {events}"
        );
        let _ = self.stream.write_all(answer.as_bytes());
        let _ = std::io::copy(&mut self.stream, &mut std::io::sink());
    }

    /// Opens the socket, with further header lines of the answer.
    pub(crate) fn open_socket(mut self, header_lines: &str) -> WebSocket<TcpStream> {
        let key = self.header("sec-websocket-key").unwrap_or_default();
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{header_lines}\r\n"
        );
        let _ = self.stream.write_all(answer.as_bytes());
        WebSocket::from_raw_socket(self.stream, Role::Server, None)
    }

    /// Opens the socket and answers its pings as long as `go_on` agrees, called with the
    /// socket before each read.
    pub(crate) fn serve_socket(
        self,
        header_lines: &str,
        go_on: impl Fn(&mut WebSocket<TcpStream>) -> bool,
    ) {
        let open = self.open.clone();
        open.fetch_add(1, Relaxed);
        let mut socket = self.open_socket(header_lines);
        while go_on(&mut socket) {
            match socket.read() {
                Ok(Message::Close(_)) | Err(_) => break,
                Ok(_) => {}
            }
        }
        // Sends the pong or the close frame that tungstenite has queued.
        let _ = socket.flush();
        open.fetch_sub(1, Relaxed);
    }
}

/// Takes a moment before an answer, as a server does that works for it.
pub(crate) fn take_a_moment() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the thread serves one connection of a scripted server"
    )]
    std::thread::sleep(Duration::from_millis(30));
}
