//! What limits are read, what follows from them, and what is said about it.

mod capacities;
mod fits;
mod fixture;
mod host_limits;
mod monotone;
mod pages;
