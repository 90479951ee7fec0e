//! Numbers and times as text.
//!
//! ```text
//! number ─┬─► text of a report, a scenario's description, an error
//! time   ─┘        width follows the value
//!
//! live   ───► display that is drawn over itself
//!                  width stays the same while the value changes
//! ```
//!
//! - [`number`](count): counts, three significant digits, sizes, rates, shares;
//! - [`time`](duration): planned times (`4m 10s`) and measured ones (`3 min 20 s`);
//! - [`live`]: the forms of fixed width;
//! - [`visible`]: text from elsewhere, without invisible characters.

pub mod live;
mod number;
mod time;
mod visible;

pub use self::{
    number::{bytes, count, per_second, percent, plural, significant, size, toml_integer},
    time::{duration, millis, seconds, toml_duration},
    visible::{is_invisible, visible},
};
