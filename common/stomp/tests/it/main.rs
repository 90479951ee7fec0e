//! The library's interface, as a server and a client use it.

mod decoder;
mod fuzz;
mod negotiation;
mod round_trip;
