//! TLS, tokens, sessions, operators and admission.

mod admission;
mod auth;
mod handshakes;
mod operators;
mod sessions;
mod slow;
mod tls;
