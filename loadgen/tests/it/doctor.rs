//! What limits are read, what follows from them, and what is said about it.

mod capacities;
mod fits;
mod fixture;
mod monotone;
mod pages;
mod readings;
