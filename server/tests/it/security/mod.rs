//! TLS, tokens, sessions, operators, proxies and admission.

mod admission;
mod auth;
mod handshakes;
mod logins;
mod operators;
mod proxies;
mod reserves;
mod sessions;
mod slow;
mod tls;
