//! Who is let in while there is room, and what is said to the others.
//!
//! In reading order: `bucket` (holding newcomers to a rate), `room` (counting what
//! may be open), `gate` (the check of a newcomer).

mod bucket;
mod gate;
mod room;

pub(crate) use self::{
    gate::{Closed, Gate},
    room::{Place, Room},
};
