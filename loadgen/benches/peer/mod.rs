//! A server for benches, whose answers cost as little as possible.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Length of a client's ping: two bytes of head, four of mask, four of payload.
pub(super) const PING: usize = 10;
/// Length of the pong: two bytes of head, four of payload.
pub(super) const PONG: usize = 6;

/// Answers every connection: the handshake and pings of a WebSocket, or plain bytes.
pub(super) async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer_pings(stream));
    }
}

async fn answer_pings(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0; 4];
    stream.read_exact(&mut first).await?;
    if &first == b"GET " {
        accept_websocket(&mut stream).await?;
    } else {
        stream.read_exact(&mut [0; PING - 4]).await?;
        stream.write_all(&[0; PONG]).await?;
    }
    let mut ping = [0; PING];
    loop {
        stream.read_exact(&mut ping).await?;
        // RFC 6455, section 5.2: FIN and opcode 10, then a length of four without a mask.
        let mut pong = [0x8a, 4, 0, 0, 0, 0];
        for byte in 0..4 {
            pong[2 + byte] = ping[6 + byte] ^ ping[2 + byte];
        }
        stream.write_all(&pong).await?;
    }
}

async fn accept_websocket(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut request).await?;
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap_or_default();
    let accept = derive_accept_key(key.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await
}
