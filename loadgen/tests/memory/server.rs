//! A WebSocket server that keeps nothing but open files: a thread that reads all sockets in
//! turn and answers the pings.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Room for sockets, so that the list does not grow during the measurement.
const MOST_SOCKETS: usize = 10_000;
/// Length of a device's ping: two bytes of head, four of mask, four of payload.
const PING: usize = 10;

/// Starts a server on a free port, which ends with the process.
pub(super) fn listen() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || serve(&listener));
    address
}

fn serve(listener: &TcpListener) {
    let mut sockets = Vec::with_capacity(MOST_SOCKETS);
    loop {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nodelay(true).unwrap();
            sockets.push(accept_websocket(stream));
        }
        sockets.retain_mut(|stream| answer_pings(stream).is_ok());
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn accept_websocket(mut stream: TcpStream) -> TcpStream {
    stream.set_nonblocking(false).unwrap();
    let mut head = [0; 1024];
    let mut len = 0;
    while !head[..len].ends_with(b"\r\n\r\n") {
        len += stream.read(&mut head[len..]).unwrap();
    }
    let request = std::str::from_utf8(&head[..len]).unwrap();
    let mut lines = request.lines();
    let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.unwrap().as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// Answers the pings that have come; an error if the device has left.
fn answer_pings(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut ping = [0; PING];
    loop {
        match stream.read(&mut ping) {
            Ok(PING) => {}
            Ok(_) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        // RFC 6455, section 5.2: FIN and opcode 10, then a length of four without a mask.
        let mut pong = [0x8a, 4, 0, 0, 0, 0];
        for byte in 0..4 {
            pong[2 + byte] = ping[6 + byte] ^ ping[2 + byte];
        }
        stream.write_all(&pong)?;
    }
}
