//! A server on loopback, and a device that connects to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use highwater_loadgen::{
    access::{ClientAccess, ClientOptions, Environment},
    worker::{
        devices::{connect::connect, connect_request::ConnectRequest, upgrade::DeviceSocket},
        dialect::plain::Plain,
        source_address::SourceAddresses,
    },
};
use highwater_scenarios::frames::ValueNames;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Time limit of an attempt that only a failure reaches.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// The heads of requests that a server got.
pub(super) type Heads = Arc<Mutex<Vec<String>>>;

/// Runs a server on a free port of `host`: each connection is given to `serve`. Returns its
/// address.
pub(super) async fn listen<F>(
    host: &str,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    // The runtime of the test ends the tasks.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Reads the head of a request, with its empty line.
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Returns the value of a field in a head.
pub(super) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
    field.map(|(_, value)| value)
}

/// Returns the answer that opens a socket, with further lines.
pub(super) fn switching_protocols(request: &str, lines: &str) -> String {
    let accept = derive_accept_key(field(request, "sec-websocket-key").unwrap().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
    )
}

/// Answers each connection with one text, whatever was asked, and sends no more.
pub(super) async fn listen_with_answer(answer: impl Into<String>) -> SocketAddr {
    let answer: Arc<str> = answer.into().into();
    listen("127.0.0.1", move |mut stream| {
        let answer = answer.clone();
        async move {
            read_head(&mut stream).await;
            // An error says that the device has left, as it should.
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.read_u8().await;
        }
    })
    .await
}

/// Opens a socket with a client's access. A failure is its kind.
pub(super) async fn open(access: &ClientAccess, address: &str) -> Result<DeviceSocket, String> {
    open_within(access, address, LONG).await
}

/// Opens a socket within a time.
pub(super) async fn open_within(
    access: &ClientAccess,
    address: &str,
    timeout: Duration,
) -> Result<DeviceSocket, String> {
    let client_options = ClientOptions::new(access).unwrap();
    let headers = client_options.header_templates(&mut ValueNames::default());
    // The access of these tests has no placeholders.
    let values = Environment::default();
    let header_lines = client_options
        .header_lines_for("home-1", &headers.unwrap(), &values)
        .unwrap();
    let request = ConnectRequest {
        address,
        dialect: &Plain,
        header_lines: header_lines.expose_secret(),
        max_message_bytes: 1 << 16,
        client_options: &client_options,
        sources: &SourceAddresses::default(),
        device_number: 0,
    };
    let opened = connect(request, timeout).await;
    opened
        .map(|opened| opened.socket)
        .map_err(|failure| failure.cause.kind().into_owned())
}

/// Opens the socket of device `number` from local addresses. A failure is its kind.
pub(super) async fn open_from(
    sources: &SourceAddresses,
    number: u32,
    address: &str,
    timeout: Duration,
) -> Result<DeviceSocket, String> {
    let request = ConnectRequest {
        address,
        dialect: &Plain,
        header_lines: "",
        max_message_bytes: 1 << 16,
        client_options: &ClientOptions::new(&ClientAccess::default()).unwrap(),
        sources,
        device_number: number,
    };
    let opened = connect(request, timeout).await;
    opened
        .map(|opened| opened.socket)
        .map_err(|failure| failure.cause.kind().into_owned())
}

/// Returns the kind of the failure to open a socket without any settings.
pub(super) async fn failure(address: &str) -> String {
    open(&ClientAccess::default(), address).await.unwrap_err()
}
