//! The values that placeholders stand for: of the device, of its row of data, of its login.
//!
//! ```text
//! plan, rows ──► PoolValues, one per pool ──┬──► addresses, header fields, logins
//!                  │  TakenStore ◄── login  │
//!                  └──► DeviceValues, for an instant
//! ```
//!
//! A pool without data and login holds nothing per device. Rows and taken values are secrets:
//! their `Debug` forms show none of them.
//!
//! - [`pool`]: the compiled texts of a pool and the values of its devices;
//! - [`device`]: the values of one device at one moment.

pub mod device;
pub mod pool;

pub use self::{device::DeviceValues, pool::PoolValues};
