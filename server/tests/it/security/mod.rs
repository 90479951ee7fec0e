//! TLS, tokens, sessions, and who is let in.

mod admission;
mod auth;
mod sessions;
mod tls;
