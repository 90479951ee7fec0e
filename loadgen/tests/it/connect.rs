//! The connection of a device and of commands to servers whose every answer a test scripts.

mod answers;
mod compression;
mod fixture;
mod ports;
mod proxy;
mod tls;
