//! Who is let in while there is room, and what is said to the others.
//!
//! In reading order: [`rate`] (upgrades a second, as written), `bucket` (holding
//! them to it), `room` (counting what may be open), `gate` (the check of an
//! upgrade).

mod bucket;
mod gate;
pub mod rate;
mod room;

pub use self::rate::{InvalidUpgradeRate, UpgradeRate};
pub(crate) use self::{
    gate::{Closed, Gate},
    room::{Place, Room},
};
