//! A message that is due, up to its socket.

use tokio::time::Instant;

use crate::worker::{
    context::Context,
    links::{Completion, LinkItem, QueuedMessage, senders::PickedSender},
    recorder::{Count, Level, Timing},
};

/// Hands the message of load `load` that is due at `due` to a random open socket of its pool.
/// It is counted as dropped where every socket is busy, and as without a device where none is
/// open.
pub fn dispatch(context: &Context, load: usize, due: Instant, completion: Completion) {
    context.recorder.count(Count::ExchangesDue);
    let mut item = LinkItem::Message(QueuedMessage {
        load,
        due,
        completion,
    });
    let Some(senders) = context.links.of_messages(load) else {
        return;
    };
    // Before a socket has it: the drain must see every message that may be answered.
    let recorder = &context.recorder;
    recorder.add_to_level(Level::ExchangesInFlight, 1);
    let unsent = loop {
        let link = match senders.pick() {
            PickedSender::Socket(link) => link,
            PickedSender::AllBusy => break Count::ExchangesDropped,
            PickedSender::NoneOpen => break Count::ExchangesNoDevice,
        };
        match link.push(item) {
            Ok(()) => return,
            // The socket ended meanwhile, and is among the senders no more.
            Err(back) => item = back,
        }
    };
    recorder.add_to_level(Level::ExchangesInFlight, -1);
    recorder.count(unsent);
}

/// Counts a message that is due and not sent, because too many are in flight or the drain
/// has begun.
pub fn drop_message(context: &Context, due: Instant) {
    context.recorder.count(Count::ExchangesDue);
    context.recorder.count(Count::ExchangesDropped);
    context.recorder.time(Timing::SendLag, due.elapsed());
}
