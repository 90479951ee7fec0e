//! TLS, tokens, sessions and admission.

mod admission;
mod auth;
mod handshakes;
mod sessions;
mod slow;
mod tls;
