//! Who is let in while there is room, and what is said to the others.
//!
//! In reading order: `bucket` (holding newcomers to a rate), `room` (counting what
//! may be open), `files` (what the open files leave room for), `gate` (the check of
//! a newcomer).

mod bucket;
mod files;
mod gate;
mod room;

pub(crate) use self::{
    files::connections_at_most,
    gate::{Closed, Gate},
    room::{Place, Room},
};
