//! TLS, tokens, sessions, and who is let in.

mod admission;
mod auth;
mod handshakes;
mod sessions;
mod slow;
mod tls;
