//! Real child processes.

mod children;
