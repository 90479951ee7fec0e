//! The part of a session that sends the messages of other users.

use std::{future::poll_fn, task::Poll, time::Duration};

use tokio::time::Instant;

use super::{disconnect::Disconnect, open_socket::OpenSocket, socket_io::send_frame};
use crate::{
    keys::DeviceKey,
    worker::{context::Context, exchanges::SocketExchanges},
};

/// Makes an open socket known to the loads that use its pool.
pub(super) fn open(context: &Context, device: DeviceKey, socket: &mut OpenSocket) {
    let frames = socket.frames.as_ref();
    let taken = || frames.map_or_else(Box::default, |frames| frames.taken().into());
    let link = context.links.open(&context.plan, device, taken);
    socket.exchanges = link.map(|link| Box::new(SocketExchanges::new(link)));
}

/// Ends the part of a socket in its loads.
pub(super) fn close(context: &Context, socket: &mut OpenSocket) {
    if let Some(exchanges) = socket.exchanges.take() {
        exchanges.close(context);
    }
}

/// Waits until there is work for the socket; forever where no load uses its pool.
pub(super) fn work_arrived(exchanges: &Option<Box<SocketExchanges>>) -> impl Future<Output = ()> {
    poll_fn(move |task| match exchanges {
        Some(exchanges) => exchanges.poll_ready(task),
        None => Poll::Pending,
    })
}

/// Sends the messages that other users have handed over.
pub(super) async fn send(
    context: &Context,
    device: DeviceKey,
    socket: &mut OpenSocket,
    write_timeout: Duration,
) -> Result<(), Disconnect> {
    let Some(identity) = context.socket_identity(device) else {
        return Ok(());
    };
    let OpenSocket {
        stream,
        frames,
        exchanges,
        ..
    } = socket;
    let Some((frames, exchanges)) = frames.as_mut().zip(exchanges.as_mut()) else {
        return Ok(());
    };
    while let Some(next) = exchanges.next_message(context, identity.protocol) {
        let (message, key) = frames.next_message(identity, &next.exchange.send);
        // Counted before it is sent: its answer may come at once.
        exchanges.begin(context, next, key);
        let started = Instant::now();
        send_frame(stream, message, write_timeout).await?;
        exchanges.on_written(started);
    }
    Ok(())
}
