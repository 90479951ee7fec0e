//! STOMP sessions of one and several nodes.
//!
//! In reading order: `client` (the client of the tests), `session` (versions, receipts, errors),
//! `topics`, `queues`, `users` and `requests` (destinations), `transactions`, `limits`,
//! `heart_beats`, `tokens`, `gateway`, `relay` (brokers of others), `python` (a client of others).

mod client;
mod gateway;
mod heart_beats;
mod limits;
mod python;
mod queues;
mod relay;
mod requests;
mod session;
mod tokens;
mod topics;
mod transactions;
mod users;

pub(crate) use self::client::StompClient;
